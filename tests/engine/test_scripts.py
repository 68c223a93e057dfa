"""Programs that publish: several event loops, cancelled tasks, a database that goes away."""

import pytest

from tests.inside import locks, programs
from tests.site import Site, SiteMaker

from .publisher import new_name


@pytest.fixture(scope="module")
def idle_site(make_shared_site: SiteMaker) -> Site:
    """Return a site without a running server, which would end the streams of dead producers."""
    site = make_shared_site()
    migrated = site.manage("migrate", "--verbosity", "0")
    assert migrated.returncode == 0, migrated.stderr
    return site


def test_a_program_may_run_one_event_loop_after_another(backend_site: Site):
    names = [new_name("run") for _ in range(3)]
    stood = backend_site.call(programs.publish_in_loop_after_loop, names)
    assert stood == [["done", 20]] * 3 + [["done", 1]]


def test_cancelling_all_tasks_at_once_loses_no_accepted_piece_and_no_end(backend_site: Site):
    names = [new_name("cancelled") for _ in range(40)]
    stood, expected = backend_site.call(programs.cancel_all_tasks, names)
    assert stood == expected


def test_an_event_loop_that_ends_while_sources_end_leaves_no_stream_live(backend_site: Site):
    assert backend_site.call(programs.end_loops_while_sources_end, new_name("ending")) == []


@pytest.mark.parametrize("work", ["append", "finish"])
def test_a_short_outage_of_the_database_loses_neither_pieces_nor_the_end(
    backend_site: Site, work: str
):
    name = new_name("away")
    stood = backend_site.call(programs.publish_while_the_database_is_away, name, work)
    assert stood == [["done", 2]]


@pytest.mark.parametrize("named", [True, False])
def test_a_reservation_whose_answer_is_lost_is_made_once(backend_site: Site, named: bool):
    name, title = new_name("reserved") if named else None, new_name("title")
    names, refused = backend_site.call(programs.reserve_and_lose_the_answer, name, title)
    assert len(names) == 1
    assert names[0] == (name or names[0])
    assert "reserved already" in refused


def test_after_an_outage_a_producer_has_time_to_renew_its_lease(
    backend_site: Site,
):
    name = new_name("spared")
    stood = backend_site.call(programs.look_at_expired_lease_after_outage, name)
    assert stood == [["live", 0], ["interrupted", 0]]


def test_a_dead_producer_is_found_although_the_database_fails_repeatedly(backend_site: Site):
    name = new_name("dead")
    stood = backend_site.call(programs.look_at_expired_lease_between_outages, name)
    assert stood == [["interrupted", 0]]


def test_a_producer_survives_a_lock_of_sqlite_that_is_longer_than_its_lease(idle_site: Site):
    stood = idle_site.call(locks.look_while_sqlite_is_locked, new_name("locked"))
    assert stood == [[["live", 0]]] * 2


def test_a_producer_survives_a_lock_of_sqlite_that_ends_at_the_first_look(idle_site: Site):
    stood = idle_site.call(locks.look_until_sqlite_is_unlocked, new_name("unlocked"))
    assert stood == [[["live", 0]]] * 2


def test_whoever_finds_a_dead_producer_keeps_nobody_waiting_for_a_lock_of_sqlite(idle_site: Site):
    wait, most = idle_site.call(locks.patience_of_a_look, new_name("dead"))
    assert wait < most


def test_after_a_lock_of_sqlite_no_lease_is_made_shorter(idle_site: Site):
    lease = idle_site.call(locks.renew_just_before_the_leases_run_anew, new_name("renewed"))
    assert lease > 30


def test_a_stream_is_deleted_although_another_process_writes_to_sqlite(site: Site):
    site.call(locks.delete_while_another_process_writes, new_name("gone"))


def test_a_stream_may_go_on_for_months(backend_site: Site):
    names = [new_name("old"), new_name("young")]
    stood = backend_site.call(programs.write_for_months, names)
    assert stood == [["done", 1]] * 2


def test_a_forked_worker_rings_under_a_name_of_its_own(backend_site: Site):
    parent, child = backend_site.call(programs.processes_of_parent_and_child)
    assert child
    assert child != parent
