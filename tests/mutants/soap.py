"""Faults in the bureau's door: bounds, faults of SOAP, the WSDL, names."""

from tests.mutants.mutant import Mutant

FAULTS = "tests/soap/test_faults.py"
DOOR = "tests/soap/test_door.py"
CONTRACT = "tests/soap/test_contract.py"
LIMITS = "tests/soap/test_limits.py"
LOAD = "tests/soap/test_load.py"
RULES = "tests/unit/risk_central/test_rules.py"
BOUNDS = f"{FAULTS}::test_odd_messages_are_refused_before_spyne"

MUTANTS = [
    Mutant(
        "attributes_are_without_end",
        "services/risk_central/reading.py",
        "    if _has_one_too_many(root):",
        "    if False:",
        (BOUNDS,),
    ),
    Mutant(
        "elements_are_without_end",
        "services/risk_central/reading.py",
        "    if _count_elements(root) > MAX_ELEMENTS:",
        "    if False:",
        (BOUNDS,),
    ),
    Mutant(
        "levels_are_without_end",
        "services/risk_central/reading.py",
        "    if _is_too_deep(root):",
        "    if False:",
        (BOUNDS,),
    ),
    Mutant(
        "namespaces_are_without_end",
        "services/risk_central/reading.py",
        "MAX_NAMESPACES)",
        "MAX_NAMESPACES * 100)",
        (BOUNDS,),
    ),
    Mutant(
        "a_header_need_not_be_understood",
        "services/risk_central/reading.py",
        "    _check_headers(root, version)\n",
        "",
        (f"{FAULTS}::test_a_header_that_must_be_understood_is_not",),
    ),
    Mutant(
        "any_version_is_malformed",
        "services/risk_central/reading.py",
        '    if etree.QName(root).localname == "Envelope":',
        "    if False:",
        (f"{FAULTS}::test_a_message_of_another_version_is_told_so",),
    ),
    Mutant(
        "all_faults_are_500",
        "services/risk_central/faults.py",
        '    if version is SOAP_12 and code.startswith("Client"):',
        "    if False:",
        (f"{FAULTS}::test_a_fault_of_soap_12_has_a_qualified_subcode_a_detail_and_status_400",),
    ),
    Mutant(
        "a_subcode_has_no_namespace",
        "services/risk_central/faults.py",
        ">tns:{name}</{env}:Value>",
        ">{name}</{env}:Value>",
        (f"{FAULTS}::test_a_fault_of_soap_12_has_a_qualified_subcode_a_detail_and_status_400",),
    ),
    Mutant(
        "the_wsdl_declares_what_it_does_not_use",
        "services/risk_central/description.py",
        "    etree.cleanup_namespaces(root, keep_ns_prefixes=_IN_VALUES)\n",
        "",
        (f"{CONTRACT}::test_the_wsdl_is_what_clients_of_every_kind_read",),
    ),
    Mutant(
        "packed_messages_are_read",
        "services/risk_central/door.py",
        '        _check_coding(environ.get("HTTP_CONTENT_ENCODING", ""))\n',
        "",
        (f"{DOOR}::test_who_may_not_come_in_is_told_by_the_status",),
    ),
    Mutant(
        "the_address_that_is_set_does_not_count",
        "services/risk_central/door.py",
        "settings().soap_public_url.rstrip('/') or ",
        "",
        (f"{LIMITS}::test_the_wsdl_names_the_address_that_is_set",),
    ),
    Mutant(
        "slow_senders_stay",
        "services/risk_central/soap.py",
        "        Patience().keep_looking()\n",
        "",
        (f"{DOOR}::test_whoever_never_ends_a_question_is_cut",),
    ),
    Mutant(
        "a_word_of_the_name_counts_twice",
        "services/risk_central/names.py",
        "        left.remove(found)\n",
        "",
        (RULES,),
    ),
    Mutant(
        "an_enye_is_an_n",
        "services/risk_central/names.py",
        "    if marks := set(with_enye(asked)):",
        "    if marks := set[str]():",
        (f"{RULES}::test_an_enye_that_is_asked_for_goes_before_closeness",),
    ),
    Mutant(
        "apostrophes_only_part",
        "services/risk_central/names.py",
        "found = {*words, *_joined(name), *with_enye(name)}",
        "found = {*words, *with_enye(name)}",
        (
            f"{RULES}::test_a_name_is_found_by_its_own_words",
            f"{CONTRACT}::test_names_are_found_as_people_write_them",
        ),
    ),
    Mutant(
        "repeated_words_are_looked_for_once",
        "services/risk_central/name_index.py",
        "    return sum(other.startswith(word) for other in words)",
        "    return 1",
        (f"{LIMITS}::test_repeated_words_are_found_among_many_homonyms",),
    ),
    Mutant(
        "long_names_make_all_larger",
        "services/risk_central/store.py",
        "(short if len(packed) < _SHORT else long)",
        "short",
        (f"{LOAD}::test_a_long_name_does_not_make_the_others_larger",),
    ),
]
