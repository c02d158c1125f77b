/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include <locale.h>
#include <string.h>

#include "tests/lab/attach/mux-wire.h"
#include "tests/lab/attach/test-host.h"

/* usbmux over USB, against a host of our own that counts as usbmuxd 1.1.1 does. */

enum { SYN = 2, RST = 4, ACK = 16, SHORT = 8, LONG = 16, TCP = 20, WORD = 4 };
enum { LOCKDOWN_PORT = 62078, HOST_PORT = 7, WINDOW = 512, IDLE_MS = 30 };

typedef struct {
	World world;
	LabWire *wire;
	unsigned ready;
	uint32_t seq, ack; /* the host's numbers */
	uint16_t window;
} Usb;

static void
on_ready(void *data)
{
	Usb *usb = data;
	usb->ready++;
}

static void
put(GByteArray *bytes, uint32_t word)
{
	uint32_t big = GUINT32_TO_BE(word);
	g_byte_array_append(bytes, (const uint8_t *)&big, sizeof big);
}

static uint32_t
word_at(GBytes *packet, size_t at)
{
	size_t size = 0;
	const uint8_t *data = g_bytes_get_data(packet, &size);
	uint32_t word = 0;
	g_assert_cmpuint(at + WORD, <=, size);
	memcpy(&word, data + at, WORD);
	return GUINT32_FROM_BE(word);
}

static void
say_version(Usb *usb)
{
	g_autoptr(GByteArray) packet = g_byte_array_new();
	const uint32_t words[] = { 0, 20, 2, 0, 0 };
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		put(packet, words[i]);
	lab_wire_received(usb->wire, packet->data, packet->len);
}

static void
say(Usb *usb, uint16_t port, uint8_t flags, const void *data, size_t size)
{
	g_autoptr(GByteArray) packet = g_byte_array_new();
	put(packet, 6);
	put(packet, (uint32_t)(LONG + TCP + size));
	put(packet, 0xfeedface);
	put(packet, 0);
	put(packet, (uint32_t)HOST_PORT << 16 | port);
	put(packet, usb->seq);
	put(packet, usb->ack);
	put(packet, UINT32_C(5) << 28 | (uint32_t)flags << 16 | usb->window);
	put(packet, 0);
	g_byte_array_append(packet, data, (guint)size);
	lab_wire_received(usb->wire, packet->data, packet->len);
	usb->seq += (uint32_t)size;
}

static GBytes *
hear(Usb *usb)
{
	GBytes *packet = lab_wire_take(usb->wire);
	if (packet != NULL)
		g_assert_cmpuint(word_at(packet, WORD), ==, g_bytes_get_size(packet));
	return packet;
}

static uint8_t
flags_of(GBytes *packet)
{
	return (uint8_t)(word_at(packet, LONG + 12) >> 16);
}

static size_t
payload_of(GBytes *packet)
{
	return g_bytes_get_size(packet) - LONG - TCP;
}

static void
expect_nothing(Usb *usb)
{
	g_assert_null(hear(usb));
}

static void
expect(Usb *usb, uint8_t flags)
{
	g_autoptr(GBytes) packet = hear(usb);
	g_assert_nonnull(packet);
	g_assert_cmpuint(flags_of(packet), ==, flags);
	g_assert_cmpuint(word_at(packet, LONG), ==, (uint32_t)LOCKDOWN_PORT << 16 | HOST_PORT);
}

static void
usb_init(Usb *usb)
{
	world_init(&usb->world, 0);
	lab_phone_start(usb->world.phone, LAB_MODE_NORMAL);
	usb->wire = lab_wire_new(usb->world.phone, 1, on_ready, usb);
	usb->window = WINDOW;
}

static void
usb_clear(Usb *usb)
{
	lab_wire_free(usb->wire);
	world_clear(&usb->world);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Usb, usb_clear)

static void
agree(Usb *usb)
{
	say_version(usb);
	g_autoptr(GBytes) version = hear(usb);
	g_assert_cmpuint(g_bytes_get_size(version), ==, SHORT + 12);
	g_assert_cmpuint(word_at(version, 0), ==, 0);
	g_assert_cmpuint(word_at(version, SHORT), ==, 2);
}

static void
connect_to_lockdown(Usb *usb)
{
	say(usb, LOCKDOWN_PORT, SYN, NULL, 0);
	expect(usb, SYN | ACK);
	usb->seq++;
	usb->ack++;
	say(usb, LOCKDOWN_PORT, ACK, NULL, 0);
	expect_nothing(usb);
}

static void
ask(Usb *usb, plist_t message)
{
	char *xml = NULL;
	uint32_t size = 0;
	plist_to_xml(message, &xml, &size);
	plist_free(message);
	g_autoptr(GByteArray) framed = g_byte_array_new();
	put(framed, size);
	g_byte_array_append(framed, (const uint8_t *)xml, size);
	free(xml);
	say(usb, LOCKDOWN_PORT, ACK, framed->data, framed->len);
}

/* what is there now; acknowledged when `takes` */
static size_t
listen_for_data(Usb *usb, bool takes)
{
	size_t total = 0;
	GBytes *packet;
	while ((packet = hear(usb)) != NULL) {
		g_assert_cmpuint(flags_of(packet), ==, ACK);
		g_assert_cmpuint(g_bytes_get_size(packet), <, 16384);
		total += payload_of(packet);
		g_bytes_unref(packet);
	}
	if (takes) {
		usb->ack += (uint32_t)total;
		say(usb, LOCKDOWN_PORT, ACK, NULL, 0);
	}
	return total;
}

static void
test_versions_are_agreed_on(void)
{
	g_auto(Usb) usb = { 0 };
	usb_init(&usb);
	agree(&usb);
	g_assert_cmpuint(usb.ready, ==, 1);
	/* a host that was restarted begins anew */
	agree(&usb);
}

static void
test_lockdown_answers(void)
{
	g_auto(Usb) usb = { 0 };
	usb_init(&usb);
	agree(&usb);
	connect_to_lockdown(&usb);
	ask(&usb, lab_plist_dict("s:Request", "QueryType", NULL));
	g_assert_cmpuint(listen_for_data(&usb, true), >, 100);
	g_assert_cmpuint(world_events(&usb.world, "session", "service", "lockdown"), ==, 1);
}

static void
test_a_port_that_nobody_listens_on_is_refused(void)
{
	g_auto(Usb) usb = { 0 };
	usb_init(&usb);
	agree(&usb);
	say(&usb, 99, SYN, NULL, 0);
	g_autoptr(GBytes) refusal = hear(&usb);
	g_assert_cmpuint(flags_of(refusal), ==, RST);
	/* and what belongs to no connection is answered the same way, a reset by nothing */
	say(&usb, LOCKDOWN_PORT, ACK, "x", 1);
	expect(&usb, RST);
	say(&usb, LOCKDOWN_PORT, RST, NULL, 0);
	expect_nothing(&usb);
}

static void
test_the_hosts_window_is_kept(void)
{
	g_auto(Usb) usb = { 0 };
	usb_init(&usb);
	usb.window = 1; /* 256 bytes */
	agree(&usb);
	connect_to_lockdown(&usb);
	ask(&usb, lab_plist_dict("s:Request", "GetValue", NULL));
	g_assert_cmpuint(listen_for_data(&usb, false), ==, 256);
	usb.ack += 256;
	say(&usb, LOCKDOWN_PORT, ACK, NULL, 0);
	size_t rest = 0;
	for (size_t got = 1; got > 0; rest += got)
		got = listen_for_data(&usb, true);
	g_assert_cmpuint(rest, >, 256);
}

static void
test_a_connection_ends_when_its_last_bytes_are_taken(void)
{
	g_auto(Usb) usb = { 0 };
	usb_init(&usb);
	agree(&usb);
	connect_to_lockdown(&usb);
	ask(&usb, lab_plist_dict("s:Request", "QueryType", NULL));
	size_t answer = listen_for_data(&usb, false);
	g_assert_cmpuint(answer, >, 0);
	/* a length that no property list has makes the phone hang up; the answer is not taken yet */
	say(&usb, LOCKDOWN_PORT, ACK, "\xff\xff\xff\xff....", 8);
	world_run(IDLE_MS);
	g_assert_cmpuint(listen_for_data(&usb, false), ==, 0);
	usb.ack += (uint32_t)answer;
	say(&usb, LOCKDOWN_PORT, ACK, NULL, 0);
	expect(&usb, RST);
}

static void
test_unplugging_ends_everything(void)
{
	g_auto(Usb) usb = { 0 };
	usb_init(&usb);
	agree(&usb);
	connect_to_lockdown(&usb);
	lab_phone_unplug(usb.world.phone, 0);
	lab_wire_free(g_steal_pointer(&usb.wire));
	world_run(IDLE_MS);
}

static void
test_junk_does_no_harm(void)
{
	g_auto(Usb) usb = { 0 };
	usb_init(&usb);
	static const uint8_t tiny[] = { 0, 0, 0, 6, 0, 0, 0, 1 };
	static const uint8_t huge[] = { 0, 0, 0, 6, 0xff, 0xff, 0xff, 0xff };
	static const uint8_t early[] = { 0, 0, 0, 6, 0, 0, 0, 36 };
	static const uint8_t other[] = { 0, 0, 0, 9, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0, 0, 0, 7 };
	lab_wire_received(usb.wire, tiny, sizeof tiny);
	lab_wire_received(usb.wire, huge, sizeof huge);
	lab_wire_received(usb.wire, early, sizeof early);
	lab_wire_received(usb.wire, other, sizeof other);
	lab_wire_received(usb.wire, other, 36 - sizeof early - sizeof other);
	agree(&usb);
	lab_wire_received(usb.wire, other, sizeof other);
	connect_to_lockdown(&usb);
}

int
main(int argc, char **argv)
{
	setlocale(LC_ALL, "");
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/wire/versions-are-agreed-on", test_versions_are_agreed_on);
	g_test_add_func("/wire/lockdown-answers", test_lockdown_answers);
	g_test_add_func("/wire/a-port-that-nobody-listens-on-is-refused",
			test_a_port_that_nobody_listens_on_is_refused);
	g_test_add_func("/wire/the-hosts-window-is-kept", test_the_hosts_window_is_kept);
	g_test_add_func("/wire/a-connection-ends-when-its-last-bytes-are-taken",
			test_a_connection_ends_when_its_last_bytes_are_taken);
	g_test_add_func("/wire/unplugging-ends-everything", test_unplugging_ends_everything);
	g_test_add_func("/wire/junk-does-no-harm", test_junk_does_no_harm);
	return g_test_run();
}
