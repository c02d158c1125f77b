/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "tests/line/fake-line.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/line/snapshot.h"
#include "core/model/event.h"

#define FIRST_ECID  UINT64_C(0x000a1b2c00000000)
#define IMAGE_BYTES UINT64_C(10500000000)
#define HOUR_US     (INT64_C(3600) * G_USEC_PER_SEC)

static const char rules_text[] =
    "[rule owner]\nfind-my=on\nthen=ask\nsay=Turn Find My off: Settings, the name at the top, Find "
    "My.\n"
    "[rule stock]\nfind-my=any\nmanaged=any\nthen=erase\nfirmware=latest\n";

struct FakeLine {
	RescueLayout *layout;
	RescueIntakeRules *rules;
	RescueStation *station;
	RescueTally *tally;
	GPtrArray *reports;
	RescueLineServer *server;
	GHashTable *seqs; /* label to how many events its job has told */
	char *last_act;
	int64_t epoch_us;
};

static int64_t
now_us(const FakeLine *line)
{
	return g_get_real_time() - line->epoch_us;
}

static char *
write_layout(unsigned rows, unsigned columns)
{
	GString *text = g_string_new("[hub 1-1]\nlabel=left\n[hub 2-1]\nlabel=right\n");

	for (unsigned row = 1; row <= rows; row++) {
		for (unsigned column = 1; column <= columns; column++)
			g_string_append_printf(
			    text, "[port %c%u]\nat=%u-1.%u.%u\nrow=%u\ncolumn=%u\ncable=K%u\n",
			    'A' + (char)row - 1, column, column <= columns / 2 ? 1 : 2, row, column,
			    row, column, (row - 1) * columns + column);
	}
	return g_string_free(text, FALSE);
}

FakeLine *
fake_line_new(unsigned rows, unsigned columns)
{
	FakeLine *line = g_new0(FakeLine, 1);
	g_autofree char *text = write_layout(rows, columns);

	line->layout = rescue_layout_parse(text, strlen(text), NULL);
	line->rules = rescue_intake_parse(rules_text, strlen(rules_text), NULL);
	g_assert_nonnull(line->layout);
	g_assert_nonnull(line->rules);
	line->station = rescue_station_new(line->layout, line->rules);
	line->tally = rescue_tally_new();
	line->reports = g_ptr_array_new_with_free_func(g_free);
	line->seqs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	line->last_act = g_strdup("");
	line->epoch_us = g_get_real_time() - 10 * HOUR_US;
	return line;
}

void
fake_line_free(FakeLine *line)
{
	if (line == NULL)
		return;
	rescue_station_free(line->station);
	rescue_intake_free(line->rules);
	rescue_layout_free(line->layout);
	rescue_tally_free(line->tally);
	g_ptr_array_unref(line->reports);
	g_hash_table_unref(line->seqs);
	g_free(line->last_act);
	g_free(line);
}

void
fake_line_set_server(FakeLine *line, RescueLineServer *server)
{
	line->server = server;
}

const char *
fake_line_last_act(const FakeLine *line)
{
	return line->last_act;
}

static void
touch(FakeLine *line)
{
	g_auto(GStrv) reports = rescue_station_take_reports(line->station);

	for (unsigned i = 0; reports[i] != NULL; i++)
		g_ptr_array_add(line->reports, g_strdup(reports[i]));
	if (line->server != NULL)
		rescue_line_server_touch(line->server);
}

static size_t
port_of(const FakeLine *line, const char *label)
{
	size_t port = rescue_layout_find_label(line->layout, label);

	if (port == RESCUE_PORT_NONE)
		g_printerr("no port %s\n", label);
	g_assert_cmpuint(port, !=, RESCUE_PORT_NONE);
	return port;
}

static RescueEcid
ecid_of(const FakeLine *line, const char *label)
{
	return FIRST_ECID + port_of(line, label) * 0x1d31u + 1;
}

static char *
job_of(const FakeLine *line, const char *label)
{
	return g_strdup_printf("20261122T1000%02zu-%04x", port_of(line, label) % 60,
			       (unsigned)port_of(line, label));
}

void
fake_line_plug(FakeLine *line, const char *label, const char *product, RescueAnswer find_my)
{
	const RescuePort *port = rescue_layout_port(line->layout, port_of(line, label));
	g_autoptr(RescueDevice) device = rescue_device_new();

	device->ecid = ecid_of(line, label);
	device->mode = RESCUE_MODE_NORMAL;
	device->product = g_strdup(product);
	device->serial = g_strdup_printf("F2L%05zuKXK", port_of(line, label) * 7 + 10234);
	device->version = g_strdup("18.6.2");
	device->place.port = g_strdup(port->at[0]);
	device->owner = (RescueOwner){ .asked = true, .find_my = find_my };
	device->owner.activation = g_strdup("Activated");
	rescue_station_see(line->station, device, now_us(line));
	touch(line);
}

void
fake_line_unplug(FakeLine *line, const char *label)
{
	g_autoptr(RescueDevice) device = rescue_device_new();

	device->ecid = ecid_of(line, label);
	device->mode = RESCUE_MODE_ABSENT;
	rescue_station_see(line->station, device, now_us(line));
	touch(line);
}

void
fake_line_start(FakeLine *line, const char *label)
{
	g_autofree char *job = job_of(line, label);

	rescue_station_started(line->station, ecid_of(line, label), job, now_us(line));
	touch(line);
}

/* what the job said `ago_us` ago */
static void
tell_at(FakeLine *line, const char *label, const char *json, int64_t ago_us)
{
	g_autoptr(RescueJson) body = rescue_json_parse(json, strlen(json), NULL);
	g_autofree char *job = job_of(line, label);
	unsigned seq = GPOINTER_TO_UINT(g_hash_table_lookup(line->seqs, label)) + 1;
	g_autoptr(RescueJson) event = NULL;

	g_assert_nonnull(body);
	event = rescue_event_stamp(body, seq, g_get_real_time() - ago_us, job,
				   ecid_of(line, label));
	g_hash_table_insert(line->seqs, g_strdup(label), GUINT_TO_POINTER(seq));
	rescue_tally_add(line->tally, event);
	rescue_station_job_event(line->station, event, now_us(line) - ago_us);
	if (rescue_json_get_string(event, "outcome") != NULL &&
	    g_strcmp0(rescue_json_get_string(event, "event"), "done") == 0)
		rescue_station_job_ended(line->station, ecid_of(line, label),
					 now_us(line) - ago_us);
	if (line->server != NULL)
		rescue_line_server_publish(line->server, event);
	touch(line);
}

void
fake_line_tell(FakeLine *line, const char *label, const char *json)
{
	tell_at(line, label, json, 0);
}

/* the view */

static RescueJson *
view_snapshot(void *self, const RescueJson *before)
{
	FakeLine *line = self;
	int64_t look_us;
	g_autoptr(GPtrArray) turns = rescue_schedule(line->station, now_us(line), &look_us);
	RescueSnapshotFacts facts = {
		.station = line->station,
		.name = "Bench 1",
		.now_us = now_us(line),
		.epoch_us = line->epoch_us,
		.turns = turns,
		.tally = line->tally,
		.reports = line->reports,
		.before = before,
	};

	return rescue_snapshot_new(&facts);
}

static const RescueTally *
view_tally(void *self)
{
	const FakeLine *line = self;

	return line->tally;
}

static bool
answer(FakeLine *line, const char *label, GError **error)
{
	const RescueTicket *ticket = rescue_station_phone(line->station, port_of(line, label));

	if (ticket == NULL || !ticket->alive)
		return rescue_station_release(line->station, label, now_us(line), error);
	fake_line_tell(line, label,
		       "{\"event\":\"step\",\"phase\":\"enter-recovery\",\"state\":\"begin\"}");
	return true;
}

static bool
perform(FakeLine *line, const RescueLineAction *action, GError **error)
{
	int64_t at_us = now_us(line);

	switch (action->kind) {
	case RESCUE_LINE_HOLD:
		return rescue_station_hold(line->station, action->label, at_us, error);
	case RESCUE_LINE_RELEASE:
		return rescue_station_release(line->station, action->label, at_us, error);
	case RESCUE_LINE_RETEST:
		return rescue_station_retest(line->station, action->label, at_us, error);
	case RESCUE_LINE_SCAN:
		return rescue_station_scan(line->station, action->label, action->text, at_us,
					   error);
	case RESCUE_LINE_ANSWER:
		return answer(line, action->label, error);
	case RESCUE_LINE_RELOAD:
		return true;
	default:
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BUSY,
			    "this line keeps its labels while it runs");
		return false;
	}
}

static bool
view_act(void *self, const RescueLineAction *action, GError **error)
{
	static const char *const names[] = { "hold",  "release", "retest", "scan",
					     "label", "answer",  "reload" };
	FakeLine *line = self;
	bool done;

	g_free(line->last_act);
	line->last_act = g_strdup_printf("%s %s %s %s", names[action->kind],
					 action->label != NULL ? action->label : "-",
					 action->text != NULL ? action->text : "-", action->who);
	done = perform(line, action, error);
	touch(line);
	return done;
}

static RescueJson *
past_job(unsigned past, unsigned n, const char *ecid)
{
	RescueJson *job = rescue_json_object_new();
	g_autofree char *id = g_strdup_printf("20261101T100000-%05u", past - n);
	g_autofree char *at = rescue_clock_format(g_get_real_time() - (n + 1) * HOUR_US);

	rescue_json_set_string(job, "job", id);
	rescue_json_set_string(job, "ecid", ecid);
	rescue_json_set_string(job, "product", "iPhone12,1");
	rescue_json_set_string(job, "started", at);
	rescue_json_set_real(job, "seconds", 540 + n % 90);
	rescue_json_set_int(job, "attempts", 1 + n % 2);
	rescue_json_set_string(job, "outcome", n % 5 == 3 ? "gave-up" : "restored");
	rescue_json_set_string(job, "failure", n % 5 == 3 ? "usb-link-dropped" : NULL);
	rescue_json_set_string(job, "version", "26.6.2");
	return job;
}

static RescueJson *
read_history(unsigned past, const RescueLineQuery *query)
{
	RescueJson *json = rescue_json_object_new(), *jobs = rescue_json_array_new();

	for (unsigned i = 0; i < MIN(query->limit, past); i++)
		rescue_json_append_take(jobs, past_job(past, i, query->ecid));
	rescue_json_take(json, "jobs", jobs);
	rescue_json_set_bool(json, "more", query->limit < past);
	return json;
}

static RescueJson *
read_record(const char *job)
{
	static const char text[] =
	    "{\"v\":1,\"job\":\"\",\"host\":\"bench-1\",\"idevicerescue\":\"0.1.0\",\"started\":"
	    "\"2026-11-"
	    "22T10:00:00.000Z\",\"ended\":\"2026-11-22T10:09:31.000Z\",\"seconds\":571,\"complete"
	    "\":true,\"device\":{\"ecid\":\"0x000A1B2C00000001\",\"serial\":\"F2L10234KXK\","
	    "\"product"
	    "\":\"iPhone12,1\",\"port\":\"1-1.1.3\"},\"wish\":{\"behavior\":\"erase\",\"want\":"
	    "\"latest\","
	    "\"policy\":\"standard\",\"unattended\":true},\"firmware\":{\"version\":\"26.6.2\","
	    "\"build"
	    "\":\"23G90\",\"size\":9817538824},\"before\":{\"mode\":\"normal\",\"version\":\"18.6."
	    "2\",\"f"
	    "ind_my\":\"off\",\"activation_state\":\"Activated\"},\"after\":{\"mode\":\"normal\","
	    "\"vers"
	    "ion\":\"26.6.2\",\"find_my\":\"unknown\",\"activation_state\":\"Unactivated\",\"why\":"
	    "\"a "
	    "phone that was just erased cannot tell\"},\"result\":{\"outcome\":\"restored\",\"dat"
	    "a\":\"erased\",\"failure\":\"usb-link-dropped\"},\"attempts\":[{\"number\":1,"
	    "\"started\":"
	    "\"2026-11-22T10:00:20.000Z\",\"engine\":\"1.0.1\",\"phase\":\"filesystem\",\"exit_"
	    "statu"
	    "s\":245,\"outcome\":\"failed\",\"failure\":\"usb-link-dropped\"},{\"number\":2,"
	    "\"started"
	    "\":\"2026-11-22T10:03:30.000Z\",\"engine\":\"1.0.1\",\"phase\":\"finish\",\"exit_"
	    "status\""
	    ":0,\"outcome\":\"restored\"}],\"failures\":[{\"attempt\":1,\"ts\":\"2026-11-22T10:03:"
	    "02"
	    ".000Z\",\"failure\":\"usb-link-dropped\",\"category\":\"usb\",\"phase\":"
	    "\"filesystem\",\"t"
	    "ext\":\"the device left the bus in the middle of a step\"}],\"remedies\":[{\"attem"
	    "pt\":1,\"ts\":\"2026-11-22T10:03:05.000Z\",\"name\":\"reset-port\",\"text\":\"reset "
	    "the "
	    "USB "
	    "port\",\"automatic\":true,\"outcome\":\"took-effect\"}],\"prompts\":[{\"attempt\":0"
	    ",\"ts\":\"2026-11-22T10:00:05.000Z\",\"instruction\":\"unlock the phone and tap Tru"
	    "st\",\"deadline\":300}],\"wipe\":{\"state\":\"shown\",\"lines\":[{\"attempt\":2,"
	    "\"line\":70"
	    "1,\"name\":\"new-filesystem\",\"text\":\"Creating filesystem "
	    "(12)\"}]},\"end\":[{\"atte"
	    "mpt\":2,\"line\":1987,\"name\":\"finished\",\"text\":\"Status: Restore "
	    "Finished\"}],\"di"
	    "gests\":[{\"name\":\"journal\",\"size\":5120,\"sha256\":\"2fd59cc2971a840b48e6ef1e49a4"
	    "85ef375056ed0bc4d5a36841f520570c0201\"}]}";
	RescueJson *record;

	if (!g_str_has_prefix(job, "2026"))
		return NULL;
	record = rescue_json_parse(text, strlen(text), NULL);
	rescue_json_set_string(record, "job", job);
	return record;
}

char *
fake_line_read(unsigned past, const char *text)
{
	g_autoptr(RescueJson) asked = rescue_json_parse(text, strlen(text), NULL);
	g_autoptr(RescueJson) json = NULL;
	RescuePast wanted;

	if (asked == NULL || !rescue_past_parse(asked, &wanted, NULL))
		return NULL;
	if (wanted.kind == RESCUE_PAST_REPORT)
		return g_strdup(wanted.span.csv ? "job,ecid,outcome\r\n" : "[]");
	json = wanted.kind == RESCUE_PAST_HISTORY ? read_history(past, &wanted.query)
						  : read_record(wanted.job);
	return json != NULL ? rescue_json_dump(json) : NULL;
}

const RescueLineView fake_line_view = {
	.snapshot = view_snapshot,
	.tally = view_tally,
	.act = view_act,
};

/* a shift in full swing */

static const char *const models[] = {
	"iPhone12,1", "iPhone13,2", "iPhone14,5", "iPhone11,8", "iPhone15,4",
	"iPhone12,8", "iPhone14,3", "iPhone10,3", "iPhone13,4",
};

#define DONE(outcome)      "{\"event\":\"done\",\"outcome\":\"" outcome "\"}"
#define FAILED(name, text) "{\"event\":\"failure\",\"failure\":\"" name "\",\"text\":\"" text "\"}"
#define GAVE_UP(name)                                                                            \
	"{\"event\":\"done\",\"outcome\":\"gave-up\",\"failure\":\"" name "\",\"advice\":\"try " \
	"another cable, then put the phone aside\"}"

/* Twelve hours of restores that are over, so that the plots have something to show. */
static void
add_past(FakeLine *line)
{
	static const char *const failures[] = { "usb-link-dropped", "usb-link-dropped",
						"battery-low", "signing-refused" };

	for (unsigned i = 0; i < 190; i++) {
		bool fails = i % 11 == 3;
		g_autoptr(RescueJson) done = rescue_json_object_new();
		g_autofree char *ts = rescue_clock_format(
		    g_get_real_time() - (int64_t)(i * i % 660) * 60 * G_USEC_PER_SEC);
		rescue_json_set_string(done, "event", "done");
		rescue_json_set_string(done, "job", "past");
		rescue_json_set_string(done, "ts", ts);
		rescue_json_set_string(done, "outcome", fails ? "gave-up" : "restored");
		rescue_json_set_string(done, "failure", fails ? failures[i / 11 % 4] : NULL);
		rescue_tally_add(line->tally, done);
	}
}

static void
run_through(FakeLine *line, const char *label, unsigned kind)
{
	static const char *const progress[] = {
		"{\"event\":\"progress\",\"phase\":\"filesystem\",\"fraction\":0.42,\"bytes\":"
		"4410000000,\"total\":10500000000}",
		"{\"event\":\"progress\",\"phase\":\"verify-filesystem\",\"fraction\":0.8}",
		"{\"event\":\"step\",\"phase\":\"personalize\",\"state\":\"begin\"}",
		"{\"event\":\"turn\",\"turn\":\"engine\"}",
		"{\"event\":\"progress\",\"phase\":\"baseband\",\"fraction\":0.3}",
		"{\"event\":\"operator\",\"instruction\":\"Unlock the phone and tap Trust.\","
		"\"deadline\":300}",
	};

	fake_line_start(line, label);
	tell_at(line, label, "{\"event\":\"attempt\",\"number\":1,\"engine\":\"1.0.1\"}",
		300 * G_USEC_PER_SEC);
	if (kind < G_N_ELEMENTS(progress)) {
		tell_at(line, label, progress[kind], (17 + kind * 31) * G_USEC_PER_SEC);
	} else if (kind < 10) {
		tell_at(line, label, DONE("restored"), kind * 40 * G_USEC_PER_SEC);
	} else {
		tell_at(line, label,
			FAILED("usb-link-dropped", "the USB connection was lost while the system "
						   "image was sent"),
			95 * G_USEC_PER_SEC);
		tell_at(line, label, GAVE_UP("usb-link-dropped"), 90 * G_USEC_PER_SEC);
	}
}

/* Phone after phone loses its link there, until the port is taken out of use. */
static void
wear_out(FakeLine *line, const char *label)
{
	const RescuePort *port = rescue_layout_port(line->layout, port_of(line, label));

	for (unsigned i = 1;
	     rescue_station_slot(line->station, port_of(line, label)) != RESCUE_SLOT_QUARANTINED &&
	     i < 20;
	     i++) {
		g_autoptr(RescueDevice) device = rescue_device_new();
		g_autoptr(RescueJson) failure = rescue_json_object_new();
		char ecid[RESCUE_ECID_TEXT];
		device->ecid = 2 * FIRST_ECID + i;
		device->mode = RESCUE_MODE_RECOVERY;
		device->product = g_strdup(models[0]);
		device->place.port = g_strdup(port->at[0]);
		rescue_station_see(line->station, device, now_us(line));
		rescue_station_started(line->station, device->ecid, "worn", now_us(line));
		rescue_json_set_string(failure, "event", "failure");
		rescue_json_set_string(failure, "failure", "usb-link-dropped");
		rescue_json_set_string(failure, "job", "worn");
		rescue_json_set_string(failure, "ecid", rescue_ecid_format(device->ecid, ecid));
		rescue_station_job_event(line->station, failure, now_us(line));
		rescue_json_set_string(failure, "event", "done");
		rescue_json_set_string(failure, "outcome", "gave-up");
		rescue_station_job_event(line->station, failure, now_us(line));
		rescue_station_job_ended(line->station, device->ecid, now_us(line));
		device->mode = RESCUE_MODE_ABSENT;
		rescue_station_see(line->station, device, now_us(line));
	}
}

void
fake_line_crowd(FakeLine *line)
{
	static const unsigned kinds[] = { 0, 6, 1,  12, 2,  7, 3, 20, 0, 5,  8, 4, 13, 9,  14, 3,
					  6, 1, 21, 7,  10, 0, 5, 2,  8, 12, 3, 6, 4,  22, 9,  1 };

	add_past(line);
	for (unsigned i = 0; i < line->layout->ports->len; i++) {
		const RescuePort *port = g_ptr_array_index(line->layout->ports, i);
		unsigned kind = kinds[i % G_N_ELEMENTS(kinds)];
		if (kind == 20)
			continue;
		fake_line_plug(line, port->label, models[i % G_N_ELEMENTS(models)],
			       kind == 21 ? RESCUE_ANSWER_ON : RESCUE_ANSWER_OFF);
		if (kind == 22)
			(void)rescue_station_hold(line->station, port->label, now_us(line), NULL);
		else if (kind <= 10)
			run_through(line, port->label, kind);
	}
	if (line->layout->ports->len > 8)
		wear_out(line, "A8");
	touch(line);
}
