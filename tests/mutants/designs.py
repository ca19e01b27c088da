"""Faults in designs: what cleaning lets through, fields, uploads."""

from tests.mutants.mutant import Mutant

CLEANING = "tests/unit/mailer/test_cleaning.py"
MERGE = "tests/unit/mailer/test_merge.py"
VISIBILITY = "tests/unit/mailer/test_visibility.py"
ODD = "tests/unit/mailer/test_odd_designs.py"
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
        "templates_may_hold_raw_blocks",
        "services/mailer/syntax.py",
        "(if|elif|else|endif)",
        "(if|elif|else|endif|raw|endraw)",
        (VISIBILITY,),
    ),
    Mutant(
        "conditions_may_be_written_with_entities",
        "services/mailer/cleaning.py",
        '    if "{%" in cleaned.html:',
        "    if False:",
        (VISIBILITY,),
    ),
    Mutant(
        "the_link_for_unsubscribing_may_be_conditional",
        "services/mailer/visibility.py",
        "    if depth:\n        return _CONDITIONAL\n",
        "",
        (VISIBILITY,),
    ),
    Mutant(
        "the_link_for_unsubscribing_may_have_the_colour_of_the_page",
        "services/mailer/visibility.py",
        "return colour.alpha > _FAINT and _distance(colour, behind) > _NEAR",
        "return True",
        (VISIBILITY,),
    ),
    Mutant(
        "media_rules_may_hide_the_link_for_unsubscribing",
        "services/mailer/visibility.py",
        "        _check(_with(outline, css))\n",
        "        pass\n",
        (VISIBILITY,),
    ),
    Mutant(
        "designs_of_the_product_forget_outlook",
        "services/mailer/builtin.py",
        ", own=True)",
        ")",
        (VISIBILITY,),
    ),
    Mutant(
        "elements_may_be_nested_without_end",
        "services/mailer/limits.py",
        "DEPTH = 100\n",
        "DEPTH = 100_000\n",
        (ODD,),
    ),
    Mutant(
        "an_element_may_have_any_number_of_attributes",
        "services/mailer/limits.py",
        "ATTRIBUTES = 50 ",
        "ATTRIBUTES = 50_000 ",
        (ODD,),
    ),
    Mutant(
        "killable_work_takes_any_time",
        "shared/killable.py",
        "        end = time.monotonic() + SECONDS\n",
        "        end = time.monotonic() + 1000\n",
        ("tests/unit/shared/test_killable.py",),
    ),
    Mutant(
        "previews_fetch_pictures",
        "services/gateway/previews.py",
        "    shown = _without_remote(html)\n",
        "    shown = html\n",
        ("tests/unit/gateway/test_design.py",),
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
