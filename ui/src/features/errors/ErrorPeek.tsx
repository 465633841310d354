// One group of exceptions in a panel over another page.
import { ErrorDetail } from "./ErrorDetail.tsx";

export function ErrorPeek({ id }: { id: string }) {
  return <ErrorDetail id={id} compact />;
}
