// Compares two pictures in the browser, which can read them.

/** The share of pixels that differ by more than what anti-aliasing makes; 1 when the sizes differ. */
export function samePicture(page, a, b) {
  return page.evaluate(
    async ([first, second]) => {
      const pixels = async (base64) => {
        const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
        const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
        const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
        const context = canvas.getContext("2d");
        context.drawImage(bitmap, 0, 0);
        return context.getImageData(0, 0, bitmap.width, bitmap.height);
      };
      const [one, two] = [await pixels(first), await pixels(second)];
      if (one.width !== two.width || one.height !== two.height) return 1;
      let different = 0;
      for (let at = 0; at < one.data.length; at += 4) {
        const distance = [0, 1, 2].reduce(
          (sum, channel) => sum + Math.abs(one.data[at + channel] - two.data[at + channel]),
          0,
        );
        if (distance > 48) different++;
      }
      return different / (one.data.length / 4);
    },
    [a.toString("base64"), b.toString("base64")],
  );
}
