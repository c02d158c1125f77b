/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright (C) 2026 the idevicerescue contributors */
#include "cli/line/auth.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <gio/gio.h>

#include "core/base/error.h"
#include "core/base/path.h"

#define MAX_FILE     (64u * 1024)
#define MAX_SESSIONS 256u
#define RANDOM_BYTES 32u
#define DIGEST_HEX   64u
#define DIGEST_MARK  "sha256:"
#define OPEN_NAME    "whoever is at this computer"

typedef struct {
	RescueRole role;
	char *name;
	char digest[DIGEST_HEX + 1];
} Token;

typedef struct {
	unsigned token; /* index */
	int64_t until_us;
} Session;

struct RescueAuth {
	bool open;
	GArray *tokens;       /* Token */
	GHashTable *sessions; /* digest to Session */
};

static const char *const role_names[] = {
	[RESCUE_ROLE_NONE] = "none",
	[RESCUE_ROLE_VIEWER] = "viewer",
	[RESCUE_ROLE_OPERATOR] = "operator",
};

const char *
rescue_role_name(RescueRole role)
{
	return role_names[role];
}

RescueRole
rescue_role_parse(const char *name)
{
	for (int i = RESCUE_ROLE_VIEWER; i < RESCUE_ROLE_LAST; i++) {
		if (strcmp(name, role_names[i]) == 0)
			return i;
	}
	return RESCUE_ROLE_NONE;
}

static void
clear_token(void *data)
{
	Token *token = data;

	g_free(token->name);
}

static bool
refuse_line(GError **error, unsigned line, const char *what)
{
	g_set_error(
	    error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
	    "tokens file, line %u: %s; a line is ‘viewer NAME sha256:HEX’ or ‘operator NAME "
	    "sha256:HEX’",
	    line, what);
	return false;
}

static bool
read_digest(Token *token, const char *text)
{
	if (!g_str_has_prefix(text, DIGEST_MARK))
		return false;
	text += strlen(DIGEST_MARK);
	if (strlen(text) != DIGEST_HEX || strspn(text, "0123456789abcdef") != DIGEST_HEX)
		return false;
	memcpy(token->digest, text, DIGEST_HEX + 1);
	return true;
}

static bool
read_line(RescueAuth *auth, const char *line, unsigned number, GError **error)
{
	g_auto(GStrv) words = g_strsplit_set(line, " \t", -1);
	const char *found[4] = { 0 };
	Token token = { 0 };
	unsigned n = 0;

	for (unsigned i = 0; words[i] != NULL && n < G_N_ELEMENTS(found); i++) {
		if (words[i][0] != '\0')
			found[n++] = words[i];
	}
	if (n == 0 || found[0][0] == '#')
		return true;
	if (n != 3)
		return refuse_line(error, number, "not three words");
	token.role = rescue_role_parse(found[0]);
	if (token.role == RESCUE_ROLE_NONE)
		return refuse_line(error, number, "neither viewer nor operator");
	if (!read_digest(&token, found[2]))
		return refuse_line(error, number, "no SHA-256 in hexadecimal");
	token.name = g_strdup(found[1]);
	g_array_append_val(auth->tokens, token);
	return true;
}

bool
rescue_auth_parse(RescueAuth *auth, const char *text, GError **error)
{
	g_auto(GStrv) lines = NULL;

	if (!g_utf8_validate(text, -1, NULL))
		return refuse_line(error, 1, "the file is no text");
	lines = g_strsplit(text, "\n", -1);
	for (unsigned i = 0; lines[i] != NULL; i++) {
		if (!read_line(auth, g_strchomp(lines[i]), i + 1, error))
			return false;
	}
	auth->open = false;
	if (auth->tokens->len == 0)
		return refuse_line(error, 1, "there is no token in it");
	return true;
}

/* Digests are no secrets that can be used, but who may write here makes himself an operator. */
static bool
check_mode(const char *path, GError **error)
{
	struct stat st;

	if (stat(path, &st) != 0) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
			    "tokens file %s: %s; ‘line token’ makes lines for it", path,
			    g_strerror(errno));
		return false;
	}
	if (S_ISREG(st.st_mode) && (st.st_mode & 077) == 0)
		return true;
	g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
		    "tokens file %s: others may read or write it; chmod 600 it", path);
	return false;
}

static bool
load(RescueAuth *auth, const char *path, GError **error)
{
	g_autofree char *text = NULL;

	if (!check_mode(path, error))
		return false;
	text = rescue_path_read(path, MAX_FILE, NULL, error);
	return text != NULL && rescue_auth_parse(auth, text, error);
}

RescueAuth *
rescue_auth_new(const char *tokens, GError **error)
{
	g_autoptr(RescueAuth) auth = g_new0(RescueAuth, 1);

	auth->open = true;
	auth->tokens = g_array_new(FALSE, FALSE, sizeof(Token));
	g_array_set_clear_func(auth->tokens, clear_token);
	auth->sessions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	if (tokens != NULL && !load(auth, tokens, error))
		return NULL;
	return g_steal_pointer(&auth);
}

void
rescue_auth_free(RescueAuth *auth)
{
	if (auth == NULL)
		return;
	g_array_unref(auth->tokens);
	g_hash_table_unref(auth->sessions);
	g_free(auth);
}

bool
rescue_auth_is_open(const RescueAuth *auth)
{
	return auth->open;
}

static char *
digest_of(const char *text)
{
	return g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);
}

/* As long for one that differs in the first character as for one that differs in the last. */
static bool
is_same(const char *a, const char *b)
{
	unsigned char differs = 0;

	for (size_t i = 0; i < DIGEST_HEX; i++)
		differs |= (unsigned char)(a[i] ^ b[i]);
	return differs == 0;
}

static unsigned
find_token(const RescueAuth *auth, const char *text)
{
	g_autofree char *digest = digest_of(text);
	unsigned found = auth->tokens->len;

	for (unsigned i = 0; i < auth->tokens->len; i++) {
		if (is_same(g_array_index(auth->tokens, Token, i).digest, digest))
			found = i;
	}
	return found;
}

RescueRole
rescue_auth_check_token(const RescueAuth *auth, const char *token, const char **ret_name)
{
	unsigned found;

	*ret_name = NULL;
	if (auth->open) {
		*ret_name = OPEN_NAME;
		return RESCUE_ROLE_OPERATOR;
	}
	found = token != NULL ? find_token(auth, token) : auth->tokens->len;
	if (found == auth->tokens->len)
		return RESCUE_ROLE_NONE;
	*ret_name = g_array_index(auth->tokens, Token, found).name;
	return g_array_index(auth->tokens, Token, found).role;
}

static char *
make_random(GError **error)
{
	unsigned char bytes[RANDOM_BYTES];
	GString *text = NULL;

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes)) {
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_HOST_IO,
			    "this computer gives no random numbers");
		return NULL;
	}
	text = g_string_new(NULL);
	for (size_t i = 0; i < sizeof(bytes); i++)
		g_string_append_printf(text, "%02x", bytes[i]);
	return g_string_free(text, FALSE);
}

static void
drop_old(RescueAuth *auth, int64_t now_us)
{
	GHashTableIter iter;
	void *value;

	g_hash_table_iter_init(&iter, auth->sessions);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const Session *session = value;
		if (session->until_us <= now_us)
			g_hash_table_iter_remove(&iter);
	}
}

char *
rescue_auth_login(RescueAuth *auth, const char *token, int64_t now_us)
{
	unsigned found = find_token(auth, token);
	g_autofree char *id = NULL;
	Session *session;

	drop_old(auth, now_us);
	if (found == auth->tokens->len || g_hash_table_size(auth->sessions) >= MAX_SESSIONS)
		return NULL;
	id = make_random(NULL);
	if (id == NULL)
		return NULL;
	session = g_new(Session, 1);
	*session = (Session){ found, now_us + (int64_t)RESCUE_SESSION_S * G_USEC_PER_SEC };
	g_hash_table_insert(auth->sessions, digest_of(id), session);
	return g_steal_pointer(&id);
}

RescueRole
rescue_auth_check_session(RescueAuth *auth, const char *session, int64_t now_us,
			  const char **ret_name)
{
	g_autofree char *key = session != NULL ? digest_of(session) : NULL;
	const Session *found = key != NULL ? g_hash_table_lookup(auth->sessions, key) : NULL;

	*ret_name = NULL;
	if (found == NULL || found->until_us <= now_us)
		return RESCUE_ROLE_NONE;
	*ret_name = g_array_index(auth->tokens, Token, found->token).name;
	return g_array_index(auth->tokens, Token, found->token).role;
}

void
rescue_auth_logout(RescueAuth *auth, const char *session)
{
	g_autofree char *key = session != NULL ? digest_of(session) : NULL;

	if (key != NULL)
		(void)g_hash_table_remove(auth->sessions, key);
}

/* It stands in a line of words, and in what is told of who did what. */
static bool
is_word(const char *name)
{
	bool fine = name[0] != '\0' && name[0] != '#' && g_utf8_validate(name, -1, NULL);

	for (const char *at = name; fine && *at != '\0'; at = g_utf8_next_char(at))
		fine = g_unichar_isgraph(g_utf8_get_char(at));
	return fine;
}

char *
rescue_auth_make_token(RescueRole role, const char *name, char **ret_line, GError **error)
{
	g_autofree char *token = NULL, *digest = NULL;

	if (!is_word(name)) {
		g_autofree char *shown = g_utf8_make_valid(name, -1);
		g_set_error(error, RESCUE_ERROR, RESCUE_ERROR_BAD_INPUT,
			    "‘%s’ is no name for a token: say one word that does not begin with #",
			    g_strdelimit(shown, "\r\n\t\v\f\033", '?'));
		return NULL;
	}
	token = make_random(error);
	if (token == NULL)
		return NULL;
	digest = digest_of(token);
	*ret_line = g_strdup_printf("%s %s " DIGEST_MARK "%s\n", role_names[role], name, digest);
	return g_steal_pointer(&token);
}

/* headers */

char *
rescue_cookie_get(const char *header, const char *name)
{
	g_auto(GStrv) pairs = header != NULL ? g_strsplit(header, ";", -1) : NULL;
	size_t length = strlen(name);

	for (unsigned i = 0; pairs != NULL && pairs[i] != NULL; i++) {
		const char *pair = g_strstrip(pairs[i]);
		if (strncmp(pair, name, length) == 0 && pair[length] == '=')
			return g_strdup(pair + length + 1);
	}
	return NULL;
}

const char *
rescue_bearer_get(const char *header)
{
	static const char word[] = "Bearer ";

	if (header == NULL || g_ascii_strncasecmp(header, word, strlen(word)) != 0)
		return NULL;
	return header + strlen(word);
}

bool
rescue_address_is_loopback(const char *address)
{
	g_autoptr(GInetAddress) parsed = g_inet_address_new_from_string(address);

	return parsed != NULL && g_inet_address_get_is_loopback(parsed);
}

static bool
is_host(const char *host, const char *name, unsigned port)
{
	g_autofree char *wrapped = strchr(name, ':') != NULL ? g_strdup_printf("[%s]", name)
							     : g_strdup(name);
	g_autofree char *whole = g_strdup_printf("%s:%u", wrapped, port);

	return g_ascii_strcasecmp(host, whole) == 0 ||
	       ((port == 80 || port == 443) && g_ascii_strcasecmp(host, wrapped) == 0);
}

/* A name may be pointed at this server by anybody; an address leads to who has it. */
static bool
is_address(const char *host, unsigned port)
{
	g_autofree char *end = g_strdup_printf(":%u", port);
	g_autofree char *name = g_str_has_suffix(host, end)
				    ? g_strndup(host, strlen(host) - strlen(end))
				    : g_strdup(host);
	size_t size = strlen(name);

	if (size > 1 && name[0] == '[' && name[size - 1] == ']') {
		name[size - 1] = '\0';
		return g_hostname_is_ip_address(name + 1);
	}
	return strchr(name, ':') == NULL && g_hostname_is_ip_address(name) &&
	       (strcmp(name, host) != 0 || port == 80 || port == 443);
}

static bool
stands_for_all(const char *address)
{
	return strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0;
}

bool
rescue_host_is_ours(const char *host, const char *address, unsigned port, const char *const *hosts)
{
	static const char *const loopback[] = { "localhost", "127.0.0.1", "::1" };

	if (host == NULL)
		return false;
	if (is_host(host, address, port) || (stands_for_all(address) && is_address(host, port)))
		return true;
	for (size_t i = 0; rescue_address_is_loopback(address) && i < G_N_ELEMENTS(loopback); i++) {
		if (is_host(host, loopback[i], port))
			return true;
	}
	for (size_t i = 0; hosts != NULL && hosts[i] != NULL; i++) {
		if (is_host(host, hosts[i], port))
			return true;
	}
	return false;
}

bool
rescue_origin_is_ours(const char *origin, const char *host, bool secure)
{
	g_autofree char *ours = g_strdup_printf("%s://%s", secure ? "https" : "http",
						host != NULL ? host : "");

	return g_ascii_strcasecmp(origin, ours) == 0;
}
