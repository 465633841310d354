// The days of a month as the calendar shows them, and where the arrow keys lead.

export interface Day {
  year: number;
  /** 1 to 12. */
  month: number;
  day: number;
}

/** Moves by days and months; a day that the month does not have becomes its last. */
export function moveDay(from: Day, { days = 0, months = 0 }: { days?: number; months?: number }): Day {
  const first = new Date(Date.UTC(from.year, from.month - 1 + months, 1));
  const last = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate();
  const moved = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth(), Math.min(from.day, last) + days));
  return { year: moved.getUTCFullYear(), month: moved.getUTCMonth() + 1, day: moved.getUTCDate() };
}

/** 0 is Monday. */
export function weekday({ year, month, day }: Day): number {
  return (new Date(Date.UTC(year, month - 1, day)).getUTCDay() + 6) % 7;
}

/** Whole weeks from Monday to Sunday that cover the month. */
export function weeksOf({ year, month }: Day): Day[][] {
  const first = { year, month, day: 1 };
  let day = moveDay(first, { days: -weekday(first) });
  const weeks: Day[][] = [];
  do {
    weeks.push(Array.from({ length: 7 }, (_, index) => moveDay(day, { days: index })));
    day = moveDay(day, { days: 7 });
  } while (day.month === month && day.year === year);
  return weeks;
}

export function compareDays(a: Day, b: Day): number {
  return a.year - b.year || a.month - b.month || a.day - b.day;
}

/** The day a key of the calendar leads to; null when the key is not one of them. */
export function dayByKey(from: Day, key: string): Day | null {
  switch (key) {
    case "ArrowLeft":
      return moveDay(from, { days: -1 });
    case "ArrowRight":
      return moveDay(from, { days: 1 });
    case "ArrowUp":
      return moveDay(from, { days: -7 });
    case "ArrowDown":
      return moveDay(from, { days: 7 });
    case "PageUp":
      return moveDay(from, { months: -1 });
    case "PageDown":
      return moveDay(from, { months: 1 });
    case "Home":
      return moveDay(from, { days: -weekday(from) });
    case "End":
      return moveDay(from, { days: 6 - weekday(from) });
    default:
      return null;
  }
}
