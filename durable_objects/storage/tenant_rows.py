"""The rows of the list of all tenants, which one ledger of the deployment has. No other makes the table."""

from durable_objects.storage.ring import SqlDatabase

_SCHEMA = "CREATE TABLE IF NOT EXISTS tenants (tenant TEXT PRIMARY KEY, created_at_ms INTEGER NOT NULL) WITHOUT ROWID"


class TenantRows:
    """Typed access to them."""

    def __init__(self, database: SqlDatabase) -> None:
        self._database = database
        database.execute(_SCHEMA)

    def add(self, tenant: str, now_ms: int) -> bool:
        """False, and nothing written, where it is there."""
        return bool(
            self._database.execute(
                "INSERT INTO tenants VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING tenant", tenant, now_ms
            )
        )

    def created_at_ms(self, tenant: str) -> int | None:
        rows = self._database.execute("SELECT created_at_ms FROM tenants WHERE tenant = ?", tenant)
        return int(rows[0][0]) if rows else None

    def after(self, tenant: str, tenants_max: int) -> list[tuple[str, int]]:
        rows = self._database.execute(
            "SELECT tenant, created_at_ms FROM tenants WHERE tenant > ? ORDER BY tenant LIMIT ?", tenant, tenants_max
        )
        return [(str(name), int(moment)) for name, moment in rows]
