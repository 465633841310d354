"""Waiting for something with a deadline instead of sleeping for a guess."""

import time


def until(what, check, deadline_s=15.0, every_s=0.05):
    """Calls `check` until it returns something true, which is returned.

    An AssertionError from `check` counts as "not yet"; the last one is raised at the deadline.
    """
    end = time.monotonic() + deadline_s
    while True:
        last = None
        try:
            result = check()
        except AssertionError as error:
            result, last = None, error
        if result:
            return result
        if time.monotonic() >= end:
            raise AssertionError(f"not within {deadline_s} s: {what}") from last
        time.sleep(every_s)
