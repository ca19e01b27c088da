"""Faults in transfers, and in what bounds neighbours, keys and files."""

from tests.mutants.mutant import Mutant

TRANSFER = "tests/jobs/campaign/test_transfer.py"
BOUNDS = "tests/unit/shared/test_bulkhead.py"
KIT = "tests/unit/shared/test_kit.py"

MUTANTS = [
    # --- transfers ---
    Mutant(
        "chunks_are_not_counted",
        "shared/transfer.py",
        "if (rows, checksum) != (chunk.rows, chunk.checksum):",
        "if False:",
        (f"{TRANSFER}::test_a_chunk_one_row_short_is_refused_whatever_it_says_of_itself",),
    ),
    Mutant(
        "rows_sent_are_not_counted",
        "shared/transfer.py",
        "if rows != told:",
        "if False:",
        (f"{TRANSFER}::test_rows_lost_between_database_and_chunks_are_told",),
    ),
    Mutant(
        "totals_are_not_compared",
        "shared/transfer.py",
        "if (rows, checksum) != (transfer.expected_rows, transfer.expected_checksum):",
        "if False:",
        (f"{TRANSFER}::test_totals_that_differ_are_told_and_nothing_is_completed",),
    ),
    Mutant(
        "late_chunks_of_a_failed_transfer_are_loaded",
        "shared/transfer.py",
        "Transfer.id == transfer_id, Transfer.completed_at.is_(None), Transfer.failed_at.is_(None)",
        "Transfer.id == transfer_id, Transfer.completed_at.is_(None)",
        ("tests/jobs/mailer/test_ends.py::test_a_late_chunk_of_a_failed_run_is_dropped",),
    ),
    Mutant(
        "chunks_of_a_dead_attempt_are_loaded",
        "shared/transfer.py",
        "if row is None or chunk.attempt < row.attempt:",
        "if row is None:",
        (f"{TRANSFER}::test_an_exporter_that_died_starts_over_with_another_snapshot",),
    ),
    Mutant(
        "what_a_dead_attempt_loaded_stays",
        "shared/transfer.py",
        "delete(TransferChunk).where(TransferChunk.transfer_id == transfer_id))\n"
        "    target.remove(session, transfer_id)\n\n",
        "delete(TransferChunk).where(TransferChunk.transfer_id == transfer_id))\n\n",
        (f"{TRANSFER}::test_an_exporter_that_died_starts_over_with_another_snapshot",),
    ),
    Mutant(
        "a_transfer_completes_early",
        "shared/transfer.py",
        "if chunks < transfer.expected_chunks:",
        "if chunks < transfer.expected_chunks - 1:",
        (f"{TRANSFER}::test_the_closing_chunk_may_come_first_and_the_last_piece_late",),
    ),
    # --- bounds ---
    Mutant(
        "all_probe_at_once",
        "shared/bulkhead.py",
        "if self._probing or self._clock()",
        "if self._clock()",
        (BOUNDS,),
    ),
    Mutant(
        "a_deadline_opens_no_breaker",
        "shared/bulkhead.py",
        "except BaseException:",
        "except Exception:",
        (BOUNDS,),
    ),
    Mutant(
        "one_too_many_waits",
        "shared/bulkhead.py",
        "BoundedSemaphore(limit + waiting)",
        "BoundedSemaphore(limit + waiting + 1)",
        (BOUNDS,),
    ),
    Mutant(
        "keys_carry_no_namespace",
        "shared/redis.py",
        'return name if namespace == "pregon" else f"{namespace}:{name}"',
        "return name",
        ("tests/unit/shared/test_redis.py::test_keys_carry_the_namespace_but_for_the_default_one",),
    ),
    Mutant(
        "any_path_is_a_key",
        "shared/files.py",
        "    if not _KEY.fullmatch(key):",
        "    if False:",
        (KIT,),
    ),
]
