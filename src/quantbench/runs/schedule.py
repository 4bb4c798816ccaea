"""When to run a spec, as the machine's own scheduler wants it said: cron, systemd or Windows' Task Scheduler."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from itertools import groupby, product
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from quantbench.core.errors import RunError

__all__ = ["Every", "cron_line", "every", "systemd_units", "task_xml"]

_DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_XML_DAYS: Final = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_XML_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_MOST_TRIGGERS: Final = 48


@dataclass(frozen=True)
class Every:
    """When something happens, on the clock of the machine.

    Attributes
    ----------
    text : str
        The five fields of cron.
    minutes, hours, days, months, weekdays : tuple of int
        What the fields allow; Sunday is 0, January 1. Empty where a field is ``*``.
    """

    text: str
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]


def every(text: str) -> Every:
    """Return the times that cron's five fields mean: minute, hour, day, month, weekday.

    Raises
    ------
    RunError
        When they are not five, or one is not in its range: the field is named.

    Examples
    --------
    >>> every("0 22 * * 1-5").weekdays
    (1, 2, 3, 4, 5)
    """
    words = text.split()
    if len(words) != 5:
        raise RunError(f"{text!r} has {len(words)} fields; cron has five: minute hour day month weekday")
    minutes = _field("minute", words[0], (0, 59), ())
    hours = _field("hour", words[1], (0, 23), ())
    days = _field("day", words[2], (1, 31), ())
    months = _field("month", words[3], (1, 12), _MONTHS)
    weekdays = _field("weekday", words[4], (0, 7), _DAYS)
    sunday_once = tuple(sorted({day % 7 for day in weekdays}))
    return Every(" ".join(words), minutes, hours, days, months, sunday_once)


def _field(name: str, text: str, ends: tuple[int, int], words: tuple[str, ...]) -> tuple[int, ...]:
    """Return the numbers of one field; none where it allows all."""
    found: set[int] = set()
    if text == "*":
        return ()
    for part in text.lower().split(","):
        match = re.fullmatch(r"(\*|[0-9a-z]+)(?:-([0-9a-z]+))?(?:/([0-9]+))?", part)
        if match is None or (match[1] == "*" and match[2]):
            raise RunError(f"the {name} {text!r} is no field of cron, such as 5, 1-5, */15 or 1,3")
        span = ends if match[1] == "*" else (_one(name, match[1], words, ends), _one(name, match[2], words, ends))
        low, high = span
        if low is None:
            raise AssertionError("a part begins with something")
        last = high if high is not None else (ends[1] if match[3] else low)
        if last < low or match[3] == "0":
            raise RunError(f"the {name} {text!r} runs backwards or has a step of 0")
        found |= set(range(low, last + 1, int(match[3] or 1)))
    return tuple(sorted(found))


def _one(name: str, word: str | None, words: tuple[str, ...], ends: tuple[int, int]) -> int | None:
    if word is None:
        return None
    number = words.index(word[:3]) + ends[0] if word[:3] in words else int(word) if word.isdigit() else -1
    if not ends[0] <= number <= ends[1]:
        raise RunError(f"the {name} {word!r} is not from {ends[0]} to {ends[1]}")
    return number


def _command(spec: Path) -> list[str]:
    return [sys.executable, "-m", "quantbench", "run", str(spec)]


def cron_line(spec: Path, when: Every, *, home: Path, log: Path) -> str:
    """Return the line for `crontab -e`.

    Parameters
    ----------
    spec, home, log : Path
        What to run, in which folder, and the file that takes what it prints.
    when : Every
        On the clock of the machine.
    """
    run = f"cd {shlex.quote(str(home))} && {shlex.join(_command(spec))} >> {shlex.quote(str(log))} 2>&1"
    return f"{when.text} {run}".replace("%", r"\%")  # cron ends a command at a bare %


def systemd_units(spec: Path, when: Every, *, home: Path) -> tuple[str, str]:
    """Return the service and the timer: two files for ``~/.config/systemd/user``."""
    words = " ".join(f'"{word}"'.replace("%", "%%").replace("$", "$$") for word in _command(spec))
    service = (
        f"[Unit]\nDescription=Quantbench {spec.name}\n\n"
        f"[Service]\nType=oneshot\nWorkingDirectory={str(home).replace('%', '%%')}\nExecStart={words}\n"
    )
    lines = "\n".join(f"OnCalendar={line}" for line in _on_calendar(when))
    timer = (
        f"[Unit]\nDescription=Quantbench {spec.name}, {when.text}\n\n"
        f"[Timer]\n{lines}\nPersistent=true\n\n[Install]\nWantedBy=timers.target\n"
    )
    return service, timer


def _on_calendar(when: Every) -> list[str]:
    def said(numbers: tuple[int, ...]) -> str:
        return ",".join(f"{number:02d}" for number in numbers) or "*"

    time = f"{said(when.hours)}:{said(when.minutes)}:00"
    names = ",".join(_DAYS[day].title() for day in when.weekdays)
    on_weekdays, on_days = f"{names} *-{said(when.months)}-* {time}", f"*-{said(when.months)}-{said(when.days)} {time}"
    if when.weekdays and when.days:  # cron means either, systemd would mean both
        return [on_weekdays, on_days]
    return [on_weekdays if when.weekdays else on_days]


def task_xml(spec: Path, when: Every, *, home: Path) -> str:
    """Return the task for Windows: ``schtasks /create /tn quantbench /xml FILE``, a file in UTF-16.

    Raises
    ------
    RunError
        When it needs more than 48 triggers, which is all a task may have.
    """
    days = [_by_days(when)] if when.days or not when.weekdays else []
    days += [_by_weekdays(when)] if when.weekdays else []
    triggers = [
        f"<CalendarTrigger><StartBoundary>2024-01-01T{hour:02d}:{minute:02d}:00</StartBoundary>{repeated}{rule}</CalendarTrigger>"
        for (hour, minute, repeated), rule in product(_starts(when), days)
    ]
    if len(triggers) > _MOST_TRIGGERS:
        raise RunError(f"{when.text!r} needs {len(triggers)} triggers; Windows allows {_MOST_TRIGGERS} a task")
    program, *words = _command(spec)
    return (
        '<?xml version="1.0" encoding="UTF-16"?>\n'
        '<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">\n'
        f"<RegistrationInfo><Description>Quantbench {escape(spec.name)}, {when.text}</Description></RegistrationInfo>\n"
        f"<Triggers>\n{chr(10).join(triggers)}\n</Triggers>\n"
        "<Settings><MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>"
        "<StartWhenAvailable>true</StartWhenAvailable></Settings>\n"
        f"<Actions><Exec><Command>{escape(program)}</Command>"
        f"<Arguments>{escape(subprocess.list2cmdline(words))}</Arguments>"
        f"<WorkingDirectory>{escape(str(home))}</WorkingDirectory></Exec></Actions>\n</Task>\n"
    )


def _starts(when: Every) -> list[tuple[int, int, str]]:
    """Return when a day's triggers start; an even step through the hour is one trigger that repeats."""
    minutes, hours = when.minutes or tuple(range(60)), when.hours or tuple(range(24))
    step = minutes[1] - minutes[0] if len(minutes) > 1 else 60
    is_even = 60 % step == 0 and minutes == tuple(range(minutes[0], 60, step)) and minutes[0] < step
    if not is_even or (len(minutes) == 1 and len(hours) < 3):
        return [(hour, minute, "") for hour, minute in product(hours, minutes)]
    found = []
    for _, run in groupby(enumerate(hours), lambda pair: pair[1] - pair[0]):  # hours that follow each other
        block = [hour for _, hour in run]
        span = (len(block) - 1) * 60 + minutes[-1] - minutes[0] + 1  # a minute more, so that the last one happens
        repetition = f"<Repetition><Interval>PT{step}M</Interval><Duration>PT{span}M</Duration></Repetition>"
        repetition *= span > step
        found.append((block[0], minutes[0], repetition))
    return found


def _months(when: Every) -> str:
    chosen = when.months or tuple(range(1, 13))
    return f"<Months>{''.join(f'<{_XML_MONTHS[month - 1]}/>' for month in chosen)}</Months>"


def _by_days(when: Every) -> str:
    if not when.days and not when.months:
        return "<ScheduleByDay><DaysInterval>1</DaysInterval></ScheduleByDay>"
    days = "".join(f"<Day>{day}</Day>" for day in when.days or range(1, 32))
    return f"<ScheduleByMonth><DaysOfMonth>{days}</DaysOfMonth>{_months(when)}</ScheduleByMonth>"


def _by_weekdays(when: Every) -> str:
    days = f"<DaysOfWeek>{''.join(f'<{_XML_DAYS[day]}/>' for day in when.weekdays)}</DaysOfWeek>"
    if not when.months:
        return f"<ScheduleByWeek><WeeksInterval>1</WeeksInterval>{days}</ScheduleByWeek>"
    weeks = "<Weeks><Week>1</Week><Week>2</Week><Week>3</Week><Week>4</Week><Week>Last</Week></Weeks>"
    return f"<ScheduleByMonthDayOfWeek>{weeks}{days}{_months(when)}</ScheduleByMonthDayOfWeek>"
