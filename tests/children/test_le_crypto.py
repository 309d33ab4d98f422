# SPDX-License-Identifier: Apache-2.0
"""Against the published sample data: FIPS 197, C.1; Core Specification, Vol 3, Part H, 2.2 and appendix D."""
from le_crypto import address_from, aes128, ah, c1, resolvable_address, s1, text_of_address


def swapped(text):
    return bytes.fromhex(text)[::-1]


def test_aes():
    block = bytes.fromhex("00112233445566778899aabbccddeeff")
    assert aes128(bytes(range(16)), block).hex() == "69c4e0d86a7b0430d8cdb78070b4c55a"


def test_confirm_value():
    confirm = c1(bytes(16), swapped("5783d52156ad6f0e6388274ec6702ee0"), swapped("07071000000101"),
                 swapped("05000800000302"), (1, swapped("a1a2a3a4a5a6")), (0, swapped("b1b2b3b4b5b6")))
    assert confirm == swapped("1e1e3fef878988ead2a74dc5bef13b86")


def test_short_term_key():
    key = s1(bytes(16), swapped("000f0e0d0c0b0a091122334455667788"), swapped("010203040506070899aabbccddeeff00"))
    assert key == swapped("9a1fe1f0e8b0f49b5b4216ae796da062")


def test_hash_of_an_address():
    assert ah(swapped("ec0234a357c8ad05341010a60a397d9b"), swapped("708194")) == swapped("0dfbaa")


def test_a_resolvable_address_is_one():
    key = swapped("ec0234a357c8ad05341010a60a397d9b")
    for random in (bytes(3), b"\xff\xff\xff", b"\x12\x34\x56"):
        address = resolvable_address(key, random)
        assert address[5] >> 6 == 1
        assert ah(key, address[3:]) == address[:3]


def test_addresses_are_written_the_other_way_round():
    assert address_from("C0:FF:EE:00:11:22") == bytes.fromhex("221100eeffc0")
    assert text_of_address(address_from("C0:FF:EE:00:11:22")) == "C0:FF:EE:00:11:22"
