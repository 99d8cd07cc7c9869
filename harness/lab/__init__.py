"""Many hosts with devices, connected by Ray, do the work of one `harness run`; ray is imported only here."""
