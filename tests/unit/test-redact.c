/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <string.h>

#include <glib.h>

#include "core/base/json.h"
#include "core/store/redact.h"

#define HOME_DIR "/srv/people/alice"
#define HOST     "bench-7"

static RescueRedactor *
make_redactor(void)
{
	static const char event[] = "{\"event\":\"device\",\"ecid\":\"0x000A1B2C3D4E5F60\","
				    "\"serial\":\"F4GXK0ABJCLP\","
				    "\"udid\":\"0123456789abcdef0123456789abcdef01234567\","
				    "\"ipsw\":\"" HOME_DIR "/My Phones/Mrs Miller.ipsw\"}";
	g_autoptr(RescueJson) json = rescue_json_parse(event, strlen(event), NULL);
	RescueRedactor *redactor = rescue_redactor_new(HOME_DIR, HOST);

	g_assert_nonnull(json);
	rescue_redactor_learn_event(redactor, json);
	return redactor;
}

static const struct {
	const char *text, *redacted;
} cases[] = {
	/* the same device in each notation: 0x000A1B2C3D4E5F60 is 2844626588163936 */
	{ "Found ECID 2844626588163936", "Found ECID [ecid-1]" },
	{ "ECID: 0xa1b2c3d4e5f60,", "ECID: [ecid-1]," },
	{ "CPID:8015 ECID:000A1B2C3D4E5F60 IBFL:3D", "CPID:8015 ECID:[ecid-1] IBFL:3D" },
	{ "device 000a1b2c3d4e5f60 (udid: x) connected", "device [ecid-1] (udid: x) connected" },
	{ "<key>ApECID</key>\n\t<integer>2844626588163936</integer>",
	  "<key>ApECID</key>\n\t<integer>[ecid-1]</integer>" },
	{ "2844626588163936-iPhone10,3-15.0.shsh", "[ecid-1]-iPhone10,3-15.0.shsh" },
	{ "a neighbour ECID:000B000000000001", "a neighbour ECID:[ecid-2]" },
	/* other identifiers */
	{ "INFO: device serial number is F4GXK0ABJCLP",
	  "INFO: device serial number is [serial-1]" },
	{ "SRNM:[f4gxk0abjclp]", "SRNM:[[serial-1]]" },
	{ "serial number is C39XYZ12ABCD; C39XYZ12ABCD.",
	  "serial number is [serial-2]; [serial-2]." },
	{ "Device 0123456789abcdef0123456789abcdef01234567 has successfully",
	  "Device [udid-1] has successfully" },
	{ "udid: 00008030-000A1B2C3D4E5F60)", "udid: [udid-2])" },
	{ "IMEI:356789012345678", "IMEI:[imei-1]" },
	{ "<key>SerialNumber</key><string>C39XYZ12ABCE</string>",
	  "<key>SerialNumber</key><string>[serial-2]</string>" },
	{ "wifi 00:1a:2b:3c:4d:5e", "wifi [address-1]" },
	/* nonces, written together and in pairs, are the same one */
	{ "ApNonce: 1f 2e 3d 4c 5b 6a 79 88 1f 2e 3d 4c 5b 6a 79 88 00 11 22 33 \nNONC:"
	  "1F2E3D4C5B6A79881F2E3D4C5B6A798800112233",
	  "ApNonce: [nonce-1] \nNONC:[nonce-1]" },
	{ "<data>\n\tMIIDYjCCAkqgAwIBAgIB\n\tAjANBgkqhkiG9w0B\n</data>",
	  "<data>\n\t[data-1]</data>" },
	/* people and machines */
	{ "Using cached filesystem from '" HOME_DIR "/.cache/x/y.ipsw'",
	  "Using cached filesystem from '[path-2]'" },
	{ "cd " HOME_DIR " && ls", "cd [path-2] && ls" },
	{ HOME_DIR "/My Phones/Mrs Miller.ipsw: gone", "[path-1]: gone" },
	{ "/"
	  "home/bob/firmware/f.ipsw",
	  "[path-2]" },
	{ "bench-7: Bench-7.example.org, workbench-7, bench-77",
	  "[host-1]: [host-1].example.org, workbench-7, bench-77" },
	{ "http://bob:secret@mirror.example.org/x", "http://[login-1]@mirror.example.org/x" },
	/* what stays */
	{ "Product Version: 15.0 Build: 19A346 Major: 19",
	  "Product Version: 15.0 Build: 19A346 Major: 19" },
	{ "TSS request failed (status=94, message=This device isn't eligible)",
	  "TSS request failed (status=94, message=This device isn't eligible)" },
	{ "Status: Restore Finished", "Status: Restore Finished" },
	{ "2026-11-22T10:04:00.123Z 20261122T100400-1a2b3c4d",
	  "2026-11-22T10:04:00.123Z 20261122T100400-1a2b3c4d" },
	{ "Sending iBEC (330 bytes)...", "Sending iBEC (330 bytes)..." },
	{ "unable to get ECID from the device", "unable to get ECID from the device" },
	{ "/srv/people/alicent/x", "/srv/people/alicent/x" },
	{ "", "" },
};

static void
test_text_keeps_its_story_without_its_people(const void *data)
{
	size_t which = GPOINTER_TO_SIZE(data);
	g_autoptr(RescueRedactor) redactor = make_redactor();
	g_autofree char *text = rescue_redactor_text(redactor, cases[which].text);
	g_autofree char *again = rescue_redactor_text(redactor, text);

	g_assert_cmpstr(text, ==, cases[which].redacted);
	g_assert_cmpstr(again, ==, text); /* placeholders are left alone */
}

static void
test_values_learnt_later_are_replaced_everywhere(void)
{
	g_autoptr(RescueRedactor) redactor = rescue_redactor_new(NULL, NULL);
	static const char event[] =
	    "{\"event\":\"failure\",\"text\":\"phone C39XYZ12ABCD is lost\","
	    "\"evidence\":[{\"line\":41,\"text\":\"ECID 0x000A1B2C3D4E5F60\"}],"
	    "\"number\":41,\"sure\":true,\"ecid\":\"0x000A1B2C3D4E5F60\"}";
	g_autoptr(RescueJson) json = rescue_json_parse(event, strlen(event), NULL);

	rescue_redactor_learn_text(redactor, "INFO: device serial number is C39XYZ12ABCD\n");
	rescue_redactor_learn_event(redactor, json);
	g_autoptr(RescueJson) redacted = rescue_redactor_json(redactor, json);
	g_autofree char *text = rescue_json_dump(redacted);
	g_assert_cmpstr(text, ==,
			"{\"event\":\"failure\",\"text\":\"phone [serial-1] is lost\","
			"\"evidence\":[{\"line\":41,\"text\":\"ECID [ecid-1]\"}],"
			"\"number\":41,\"sure\":true,\"ecid\":\"[ecid-1]\"}");
}

static void
test_large_and_strange_texts_are_survived(void)
{
	g_autoptr(RescueRedactor) redactor = make_redactor();
	g_autoptr(GString) text = g_string_new("\377\376 ECID:000A1B2C3D4E5F60 ");

	for (int i = 0; i < 100000; i++)
		g_string_append(text, "1f 2e ");
	for (int i = 0; i < 100000; i++)
		g_string_append_printf(text, "AAAA%dBBBB", i);
	g_string_append(text, "<data>");
	for (int i = 0; i < 100000; i++)
		g_string_append(text, "QUJD\n");
	g_autofree char *redacted = rescue_redactor_text(redactor, text->str);
	g_assert_null(strstr(redacted, "000A1B2C3D4E5F60"));
	g_assert_null(strstr(redacted, "1f 2e 1f 2e 1f 2e 1f 2e"));
	g_assert_null(strstr(redacted, "QUJD"));
	g_assert_true(g_utf8_validate(redacted, -1, NULL));
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *name = g_strdup_printf("/redact/text/%02zu", i);
		g_test_add_data_func(name, GSIZE_TO_POINTER(i),
				     test_text_keeps_its_story_without_its_people);
	}
	g_test_add_func("/redact/learnt", test_values_learnt_later_are_replaced_everywhere);
	g_test_add_func("/redact/large", test_large_and_strange_texts_are_survived);
	return g_test_run();
}
