"""The times and sizes that the guide promises to operators, as sums of the defaults behind them.

The tests in tests/faults shorten most of these times by settings, and therefore don't see a default
that is too long.
"""

from django.conf import settings

from streamsite import environment, health, logins
from streamsite.daphne import channel, server, websocket
from streamsite.daphne.flow import LOOKS, UNSENT
from streamsite.streams.conf import DEFAULTS
from streamsite.streams.doctor import idling
from streamsite.streams.http import admissions, draining, uvicorn
from streamsite.streams.http.bodies import usual_limit
from streamsite.streams.log import database, outages
from streamsite.streams.reading import hub

MIB = 1024 * 1024


def test_of_a_body_that_is_refused_less_than_2_mib_are_held_in_memory():
    # The rest of what may come before the refusal is in a temporary file.
    assert settings.FILE_UPLOAD_MAX_MEMORY_SIZE < 2 * MIB
    assert usual_limit() < 4 * MIB
    # The publishing API reads a body as it comes, up to its own limit.
    assert DEFAULTS["STREAM_MAX_BODY"] == 8 * MIB


def test_a_viewer_that_reads_nothing_is_cut_off_within_30_s():
    # It may begin to read nothing right after a look.
    for looks in (LOOKS, uvicorn.LOOKS):
        assert DEFAULTS["STREAM_STALL_TIMEOUT"] * (1 + 1 / looks) < 30
    assert max(UNSENT, uvicorn.UNSENT) <= 64 * 1024


def test_half_of_a_request_ends_within_20_s():
    assert max(channel.HEAD_TIMEOUT, channel.BODY_TIMEOUT) <= 20


def test_signs_of_life_are_at_most_15_s_apart_on_a_busy_machine_too():
    assert hub.QUIET + hub.KEEP_ALIVE <= 12
    assert websocket.SILENCE + server.CHECK_INTERVAL <= 12
    assert idling.SIGNS_OF_LIFE == 15


def test_whoever_may_not_watch_any_more_is_told_within_two_heartbeats():
    assert admissions.PERIOD <= 2 * hub.HEARTBEAT


def test_a_process_ends_within_its_grace_and_5_s():
    # The polls and bodies, then the close frames.
    assert 2 * draining.CLOSING + draining.LOOK < 5
    assert DEFAULTS["STREAM_GRACE"] > 0


def test_clients_learn_within_2_s_that_the_database_is_away():
    # The process sleeps for a look, and then looks twice.
    assert database.STUCK + 2 * database.LOOK < 2
    assert environment.SQLITE["timeout"] < 2
    assert environment.POSTGRES["connect_timeout"] <= 2
    assert health.TIMEOUT <= 2


def test_an_outage_is_told_with_one_line_a_second_at_most():
    assert outages.FIRST >= 1


def test_every_client_and_publisher_has_limits_unless_a_site_lifts_them():
    limits = {name: DEFAULTS[name] for name in DEFAULTS if name.startswith("STREAM_MAX_")}
    assert all(isinstance(limit, int) and limit > 0 for limit in limits.values()), limits
    assert settings.AXES_FAILURE_LIMIT <= 20
    assert settings.AXES_COOLOFF_TIME.total_seconds() >= 60
    # The password hashes of one address, each 0.3 s, hold up the next login for a few seconds.
    assert logins.MOST_OF_CLIENT * 0.3 <= logins.BUSY_SECONDS
