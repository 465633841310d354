// A month to choose days from: one click or Enter begins a range, the second one ends it.
import { ChevronLeft, ChevronRight } from "lucide-react";
import { type KeyboardEvent, useRef, useState } from "react";
import { compareDays, type Day, dayByKey, moveDay, weeksOf } from "../lib/calendar.ts";
import { compactIso, type RangeText } from "../lib/time/range.ts";
import { instantOf, wallClock } from "../lib/time/zone.ts";
import { useTime } from "../lib/view.ts";
import styles from "./Calendar.module.css";

const WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];

export function Calendar({ onChoose }: { onChoose: (range: RangeText) => void }) {
  const { range, zone, asOfMilli } = useTime();
  const dayOf = (milli: number): Day => {
    const { year, month, day } = wallClock(milli, zone);
    return { year, month, day };
  };
  const today = dayOf(asOfMilli);
  const [shown, setShown] = useState<Day>(() => dayOf(range.toMilli));
  const [begin, setBegin] = useState<Day | null>(null);
  const grid = useRef<HTMLTableElement>(null);
  const from = begin ?? dayOf(range.fromMilli);
  const to = begin ?? dayOf(range.toMilli - 1);
  const choose = (day: Day) => {
    if (!begin) return setBegin(day);
    const [first, last] = compareDays(begin, day) <= 0 ? [begin, day] : [day, begin];
    const at = (each: Day) => compactIso(instantOf({ ...each, hour: 0, minute: 0, second: 0 }, zone));
    setBegin(null);
    onChoose({ from: at(first), to: compareDays(last, today) >= 0 ? "now" : at(moveDay(last, { days: 1 })) });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const next = dayByKey(shown, event.key);
    if (!next) return;
    event.preventDefault();
    setShown(next);
    requestAnimationFrame(() => grid.current?.querySelector<HTMLElement>("button[tabindex='0']")?.focus());
  };
  return (
    <div className={styles.calendar}>
      <header className={styles.head}>
        <button
          type="button"
          className="button quiet small icon"
          aria-label="Previous month"
          onClick={() => setShown(moveDay(shown, { months: -1 }))}
        >
          <ChevronLeft size={14} aria-hidden />
        </button>
        <span aria-live="polite">
          {MONTHS[shown.month - 1]} {shown.year}
        </span>
        <button
          type="button"
          className="button quiet small icon"
          aria-label="Next month"
          onClick={() => setShown(moveDay(shown, { months: 1 }))}
        >
          <ChevronRight size={14} aria-hidden />
        </button>
      </header>
      <table
        ref={grid}
        className={styles.grid}
        aria-label={`Days of ${MONTHS[shown.month - 1]} ${shown.year}`}
        onKeyDown={onKeyDown}
      >
        <thead>
          <tr>
            {WEEKDAYS.map((name) => (
              <th key={name} scope="col" abbr={name}>
                {name.slice(0, 2)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {weeksOf(shown).map((week) => (
            <tr key={`${week[0]?.month}-${week[0]?.day}`}>
              {week.map((day) => {
                const inside = compareDays(from, day) <= 0 && compareDays(day, to) <= 0;
                return (
                  <td key={`${day.month}-${day.day}`}>
                    <button
                      type="button"
                      className={styles.day}
                      aria-pressed={inside}
                      data-inside={inside}
                      data-other={day.month !== shown.month}
                      data-today={compareDays(day, today) === 0}
                      tabIndex={compareDays(day, shown) === 0 ? 0 : -1}
                      aria-label={`${day.day} ${MONTHS[day.month - 1]} ${day.year}`}
                      onClick={() => choose(day)}
                    >
                      {day.day}
                    </button>
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
      <p className={styles.hint} role="status">
        {begin ? "Now the last day" : "The first and the last day"}
      </p>
    </div>
  );
}
