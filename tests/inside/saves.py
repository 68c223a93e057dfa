"""Count in the database how often a stream's visibility is saved."""

from django.db import connection

from streamsite.streams import Stream, log

TABLE = Stream._meta.db_table


def begin_counting(name: str) -> None:
    """Count the saves of a stream from now on, by a trigger."""
    pk = log.find(name).pk
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE saves (pk bigint)")
        if connection.vendor == "sqlite":
            cursor.execute(
                f"CREATE TRIGGER saved AFTER UPDATE OF visibility ON {TABLE} WHEN new.id = {pk}"
                " BEGIN INSERT INTO saves VALUES (new.id); END"
            )
        else:
            cursor.execute(
                "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN INSERT INTO saves VALUES (new.id); RETURN new; END $$"
            )
            cursor.execute(
                f"CREATE TRIGGER saved AFTER UPDATE OF visibility ON {TABLE} FOR EACH ROW"
                f" WHEN (new.id = {pk}) EXECUTE FUNCTION note()"
            )


def counted() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM saves")
        return int(cursor.fetchone()[0])


def end_counting() -> None:
    """Remove the trigger and the table."""
    sqlite = connection.vendor == "sqlite"
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER saved" if sqlite else f"DROP TRIGGER saved ON {TABLE}")
        cursor.execute("DROP TABLE saves")
        if not sqlite:
            cursor.execute("DROP FUNCTION note")
