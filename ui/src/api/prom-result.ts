// Answers of Prometheus' query API: matrix, vector, scalar and string.
import { anything, DecodeError, type Decoder, isObject, list, object, record, text, withDefault } from "./decode.ts";

export type Labels = Record<string, string>;

export interface Series {
  labels: Labels;
  /** Unix seconds, ascending. */
  times: number[];
  /** Same length as `times`; null where a step has none. */
  values: (number | null)[];
  /** Of all values, where the server sent fewer. */
  all?: { count: number; mean: number } | null;
}

export interface QueryResult {
  type: "matrix" | "vector" | "scalar" | "string";
  series: Series[];
  /** Result of a string query. */
  text: string | null;
  warnings: string[];
  /** How many series there are; fewer may be here. */
  total?: number;
  /** Values before and after they were cut to what a picture needs. */
  decimated?: { from: number; to: number } | null;
}

type Sample = [number, number];

const sample: Decoder<Sample> = (value) => {
  if (!Array.isArray(value) || typeof value[0] !== "number") throw new DecodeError("a [time, value] pair");
  return [value[0], parseValue(value[1])];
};

/** Sample values are strings: decimal, "NaN", "+Inf" or "-Inf". */
export function parseValue(value: unknown): number {
  if (value === "+Inf") return Number.POSITIVE_INFINITY;
  if (value === "-Inf") return Number.NEGATIVE_INFINITY;
  return Number(value);
}

/** Many values must not cost a closure each: the pairs are read in one loop. */
function readSeries(raw: unknown): Series {
  if (!isObject(raw)) throw new DecodeError("a series");
  const labels = withDefault(record(text), {})(raw.metric);
  const samples = raw.value === undefined ? raw.values : [raw.value];
  const pairs = samples === undefined ? [] : samples;
  if (!Array.isArray(pairs)) throw new DecodeError("a series with samples");
  const times = new Array<number>(pairs.length);
  const values = new Array<number>(pairs.length);
  for (let at = 0; at < pairs.length; at++) {
    const pair: unknown = pairs[at];
    if (!Array.isArray(pair) || typeof pair[0] !== "number") throw new DecodeError("a [time, value] pair");
    times[at] = pair[0];
    values[at] = parseValue(pair[1]);
  }
  return { labels, times, values };
}

interface Answer {
  data: { resultType: string; result: unknown };
  warnings: string[];
  infos: string[];
}

const strings = withDefault(list(text), []);

const answer = object<Answer>({
  data: object<Answer["data"]>({ resultType: text, result: anything }),
  warnings: strings,
  infos: strings,
});

function toResult({ data, warnings, infos }: Answer): QueryResult {
  const notes = [...warnings, ...infos];
  switch (data.resultType) {
    case "matrix":
    case "vector": {
      const series = list(readSeries)(data.result);
      return { type: data.resultType, series, text: null, warnings: notes };
    }
    case "scalar": {
      const [time, value] = sample(data.result);
      return { type: "scalar", series: [{ labels: {}, times: [time], values: [value] }], text: null, warnings: notes };
    }
    case "string": {
      const value = Array.isArray(data.result) ? String(data.result[1]) : "";
      return { type: "string", series: [], text: value, warnings: notes };
    }
    default:
      throw new DecodeError(`a known result type (${data.resultType})`);
  }
}

export function readResult(json: unknown): QueryResult {
  return toResult(answer(json));
}
