"""Faults in designs: what cleaning lets through, fields, uploads."""

from tests.mutants.mutant import Mutant

CLEANING = "tests/unit/mailer/test_cleaning.py"
MERGE = "tests/unit/mailer/test_merge.py"
MESSAGES = "tests/unit/mailer/test_messages.py"

MUTANTS = [
    # --- designs ---
    Mutant(
        "the_sanitiser_keeps_onclick",
        "services/mailer/cleaning.py",
        '_EVERYWHERE = "align',
        '_EVERYWHERE = "onclick align',
        (CLEANING,),
    ),
    Mutant(
        "the_sanitiser_keeps_javascript_links",
        "services/mailer/cleaning.py",
        '_SCHEMES = {"https",',
        '_SCHEMES = {"javascript", "https",',
        (CLEANING,),
    ),
    Mutant(
        "the_sanitiser_keeps_forms",
        "services/mailer/cleaning.py",
        '"a abbr b blockquote',
        '"form a abbr b blockquote',
        (CLEANING,),
    ),
    Mutant(
        "tracking_pixels_stay",
        "services/mailer/cleaning.py",
        "body=removals.drop_pixels(body)",
        "body=body",
        (CLEANING,),
    ),
    Mutant(
        "styles_may_cover_the_page",
        "services/mailer/styles.py",
        '"-moz-binding", "position", ',
        '"-moz-binding", ',
        (CLEANING,),
    ),
    Mutant(
        "styles_may_load_addresses",
        "services/mailer/styles.py",
        'return token.type not in ("url", "bad-url",',
        'return token.type not in ("bad-url",',
        (CLEANING,),
    ),
    Mutant(
        "designs_may_call_methods",
        "services/mailer/merge.py",
        "    nodes.Const,\n",
        "    nodes.Const,\n    nodes.Getattr,\n    nodes.Call,\n",
        (MERGE,),
    ),
    Mutant(
        "names_are_not_escaped",
        "services/mailer/merge.py",
        "_HTML = SandboxedEnvironment(autoescape=True,",
        "_HTML = SandboxedEnvironment(autoescape=False,",
        (MERGE,),
    ),
    Mutant(
        "a_name_may_end_a_header",
        "services/mailer/merge.py",
        'return " ".join(_CONTROL.sub(" ", text).split())',
        "return text",
        (MERGE,),
    ),
    Mutant(
        "any_file_is_an_image",
        "services/mailer/uploads.py",
        "    if not content.startswith(IMAGE_KINDS[suffix]):",
        "    if False:",
        (MESSAGES,),
    ),
    Mutant(
        "a_zip_may_hold_a_gigabyte",
        "services/mailer/uploads.py",
        " or sum(item.file_size for item in found) > ZIP_BYTES:",
        ":",
        (MESSAGES,),
    ),
]
