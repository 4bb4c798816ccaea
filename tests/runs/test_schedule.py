"""Times of cron, said to three schedulers."""

import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from quantbench.core.errors import RunError
from quantbench.runs.schedule import cron_line, every, systemd_units, task_xml

SPEC, HOME = Path("research/50% off & more.yaml"), Path("/my lab")
SPACE = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"


@pytest.mark.parametrize(
    ("text", "field", "means"),
    [
        ("*/15 * * * *", "minutes", (0, 15, 30, 45)),
        ("5-20/5 * * * *", "minutes", (5, 10, 15, 20)),
        ("50/5 * * * *", "minutes", (50, 55)),
        ("0 8,17 * * *", "hours", (8, 17)),
        ("0 0 1,15 * *", "days", (1, 15)),
        ("0 0 * jan-mar *", "months", (1, 2, 3)),
        ("0 0 * * mon-fri", "weekdays", (1, 2, 3, 4, 5)),
        ("0 0 * * 7", "weekdays", (0,)),
        ("0 0 * * 5-7", "weekdays", (0, 5, 6)),
        ("0 0 * * *", "weekdays", ()),
    ],
)
def test_a_field_means_what_cron_means(text, field, means):
    assert getattr(every(text), field) == means


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0 22 * *", "has 4 fields"),
        ("60 * * * *", "the minute '60' is not from 0 to 59"),
        ("0 24 * * *", "the hour '24'"),
        ("0 0 0 * *", "the day '0'"),
        ("0 0 * 13 *", "the month '13'"),
        ("0 0 * * 8", "the weekday '8'"),
        ("0 0 * * noday", "the weekday 'noday'"),
        ("5-1 * * * *", "runs backwards"),
        ("*/0 * * * *", "step of 0"),
        ("*-5 * * * *", "is no field of cron"),
        ("a;b * * * *", "is no field of cron"),
        ("1,,2 * * * *", "is no field of cron"),
        ("@daily", "has 1 fields"),
    ],
)
def test_what_is_no_time_is_refused_with_its_field(text, message):
    with pytest.raises(RunError, match=message):
        every(text)


def test_the_line_of_cron_survives_a_shell_and_a_percent_sign():
    line = cron_line(SPEC, every("0 22 * * 1-5"), home=HOME, log=Path("a b.log"))
    assert line.startswith("0 22 * * 1-5 cd '/my lab' && ")
    assert r"'research/50\% off & more.yaml' >> 'a b.log' 2>&1" in line


def test_either_day_of_cron_is_two_lines_of_systemd():
    _, timer = systemd_units(SPEC, every("30 6 1 * mon"), home=HOME)
    assert "OnCalendar=Mon *-*-* 06:30:00\nOnCalendar=*-*-01 06:30:00\n" in timer


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd")
def test_systemd_reads_the_times_we_write():
    for text in ("0 22 * * 1-5", "*/15 8-17 * * *", "30 6 1,15 jan,jul *", "0 0 * * 0"):
        _, timer = systemd_units(SPEC, every(text), home=HOME)
        for line in timer.splitlines():
            if line.startswith("OnCalendar="):
                subprocess.run(["systemd-analyze", "calendar", line.partition("=")[2]], check=True, capture_output=True)


def triggers(text):
    found = ET.fromstring(task_xml(SPEC, every(text), home=HOME).partition("\n")[2])
    assert found.findtext(f"{SPACE}Actions/{SPACE}Exec/{SPACE}WorkingDirectory") == "/my lab"
    assert '"research/50% off & more.yaml"' in found.findtext(f"{SPACE}Actions/{SPACE}Exec/{SPACE}Arguments")
    return list(found.find(f"{SPACE}Triggers"))


def test_weekdays_are_one_trigger_of_windows():
    (trigger,) = triggers("0 22 * * 1-5")
    assert trigger.findtext(f"{SPACE}StartBoundary") == "2024-01-01T22:00:00"
    days = trigger.find(f"{SPACE}ScheduleByWeek/{SPACE}DaysOfWeek")
    assert [day.tag.removeprefix(SPACE) for day in days] == ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"]


def test_a_step_through_the_hours_is_one_trigger_that_repeats():
    (trigger,) = triggers("*/15 8-17 * * *")
    assert trigger.findtext(f"{SPACE}Repetition/{SPACE}Interval") == "PT15M"
    assert trigger.findtext(f"{SPACE}Repetition/{SPACE}Duration") == "PT586M"  # 08:00 to 17:45


def test_days_of_a_month_and_hours_apart():
    assert len(triggers("0 8,17 1,15 jan *")) == 2
    assert len(triggers("0 8 1 * mon")) == 2  # either


def test_more_triggers_than_windows_allows_are_refused():
    with pytest.raises(RunError, match="Windows allows 48"):
        task_xml(SPEC, every("1,2,4 * * * *"), home=HOME)
