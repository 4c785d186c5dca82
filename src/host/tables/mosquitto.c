/* SPDX-License-Identifier: Apache-2.0 */
/* Where the MQTT broker mosquitto listens, and whom it lets in there. */
#include "host/mosquitto.h"
#include "base/buf.h"
#include "host/address.h"
#include "host/secret.h"
#include "host/table.h"

enum {
	LISTENER,
	PORT,
	ADDRESS,
	SCOPE,
	PROTOCOL,
	TLS,
	TLS_VERSION,
	CLIENT_CERTIFICATES,
	CRL,
	ANONYMOUS,
	PASSWORD_FILE,
	PASSWORD_MODE,
	PASSWORD_HASH,
	ACL_FILE,
	ACL_EVERYTHING,
	PSK_FILE,
	PLUGIN,
	KEY_MODE,
	MAX_CONNECTIONS,
	PACKET_LIMIT,
	USER,
};

static const struct column columns[] = {
	[LISTENER] = {"listener", TYPE_STRING, "Its port and address, or the path of its socket",
				  COLUMN_LABEL},
	[PORT] = {"port", TYPE_INT, "Its port; absent: a Unix socket", 0},
	[ADDRESS] = {"address", TYPE_STRING, "Its address; absent: all, or a Unix socket", 0},
	[SCOPE] = {"scope", TYPE_STRING,
			   "From where it can be reached: socket, loopback, link-local, private or public; all "
			   "addresses, and names, are public",
			   0},
	[PROTOCOL] = {"protocol", TYPE_STRING, "mqtt or websockets", 0},
	[TLS] = {"tls", TYPE_BOOL, "It talks TLS, by a certificate or a shared key", 0},
	[TLS_VERSION] = {"tls_version", TYPE_STRING, "tls_version; absent: 1.2 and later", 0},
	[CLIENT_CERTIFICATES] = {"client_certificates", TYPE_BOOL, "Clients have to show a certificate",
							 0},
	[CRL] = {"crl", TYPE_STRING, "File of revoked certificates; absent: none is looked at", 0},
	[ANONYMOUS] = {"anonymous", TYPE_BOOL, "Clients need no name", 0},
	[PASSWORD_FILE] = {"password_file", TYPE_STRING, "Names and passwords; absent: none", 0},
	[PASSWORD_MODE] = {"password_mode", TYPE_MODE, "Permission bits of that file", 0},
	[PASSWORD_HASH] =
		{"password_hash", TYPE_STRING,
		 "The weakest way in which it holds a password: plain, sha512 or pbkdf2; absent: "
		 "it holds none",
		 0},
	[ACL_FILE] = {"acl_file", TYPE_STRING, "Who may use which topics; absent: everyone all", 0},
	[ACL_EVERYTHING] =
		{"acl_everything", TYPE_BOOL,
		 "The list lets every client read or write every topic; of those with a list", 0},
	[PSK_FILE] = {"psk_file", TYPE_STRING, "Shared keys; absent: none", 0},
	[PLUGIN] = {"plugin", TYPE_STRING, "Plugin that decides, too; absent: none", 0},
	[KEY_MODE] = {"key_mode", TYPE_MODE, "Permission bits of its private key", 0},
	[MAX_CONNECTIONS] = {"max_connections", TYPE_INT,
						 "How many may be connected; absent: any number", 0},
	[PACKET_LIMIT] = {"packet_limit", TYPE_SIZE,
					  "The largest message or packet that is taken; absent: 256 MB", 0},
	[USER] = {"user", TYPE_STRING, "Whom the broker becomes when root starts it", 0},
	{0},
};

/* "name:$7$iterations$salt$hash" */
static void scrub(struct str text, struct buf *out)
{
	struct str line, name;

	while (str_line(&text, &line)) {
		if (!str_has_char(line, ':')) {
			buf_str(out, line);
		} else {
			str_cut(&line, ':', &name);
			buf_printf(out, "%.*s:%s" SECRET_MASK, STR_ARG(name),
					   str_starts(line, "$7$")   ? "$7$"
					   : str_starts(line, "$6$") ? "$6$"
												 : "");
		}
		buf_putc(out, '\n');
	}
}

static void set_passwords(struct host *host, struct rows *rows, struct row *row, const char *path)
{
	struct path_stat st;
	struct err err = {0};
	struct str text, line, name;
	const char *weakest = NULL;

	if (host_stat(host, path, true, &st, &err) < 0)
		row_unknown(row, PASSWORD_MODE, arena_strdup(rows->arena, err.msg));
	else
		row_int(row, PASSWORD_MODE, st.mode & 07777);
	if (host_read_scrubbed(host, path, scrub, rows->arena, &text, &err) < 0) {
		row_unknown(row, PASSWORD_HASH, arena_strdup(rows->arena, err.msg));
		return;
	}
	while (str_line(&text, &line)) {
		if (!str_has_char(line, ':') || !str_cut(&line, ':', &name))
			continue;
		if (str_starts(line, "$7$"))
			weakest = weakest ? weakest : "pbkdf2";
		else if (str_starts(line, "$6$"))
			weakest = weakest && strcmp(weakest, "plain") == 0 ? weakest : "sha512";
		else
			weakest = "plain";
	}
	row_strz(row, PASSWORD_HASH, weakest);
}

/* "topic" and "pattern" with what is allowed and the topic, which is the rest of the line. Topics in front
 * of the first user are those of clients without a name. */
static bool allows_everything(struct str line, bool *named, bool anonymous)
{
	struct str word, access;

	if (!str_word(&line, &word))
		return false;
	if (str_is(word, "user"))
		*named = true;
	if (!str_is(word, "pattern") && !(str_is(word, "topic") && anonymous && !*named))
		return false;
	access = line = str_trim(line);
	if (str_word(&line, &word) &&
		(str_is(word, "read") || str_is(word, "write") || str_is(word, "readwrite")))
		access = str_trim(line);
	return str_is(access, "#") || str_is(access, "+/#");
}

static void set_acl(struct host *host, struct rows *rows, struct row *row, struct str path,
					bool anonymous)
{
	struct err err = {0};
	struct str text, line;
	bool named = false, everything = false;

	row_str(row, ACL_FILE, path);
	if (!path.n)
		return;
	if (host_read(host, str_dup(rows->arena, path), rows->arena, &text, &err) < 0) {
		row_unknown(row, ACL_EVERYTHING, arena_strdup(rows->arena, err.msg));
		return;
	}
	while (!everything && str_line(&text, &line))
		everything = allows_everything(line, &named, anonymous);
	row_bool(row, ACL_EVERYTHING, everything);
}

static const char *scope_of(const struct mosquitto_listener *l)
{
	const char *scope = address_scope(l->address);

	if (l->socket.p)
		return "socket";
	if (str_is(l->interface, "lo") || str_is(l->address, "localhost"))
		return "loopback";
	return scope ? scope : "public";
}

static void set_place(struct rows *rows, struct row *row, const struct mosquitto_listener *l)
{
	char *name = l->socket.p ? str_dup(rows->arena, l->socket)
							 : arena_printf(rows->arena, "%u%s%.*s", l->port,
											l->address.n ? " " : "", STR_ARG(l->address));

	row_strz(row, LISTENER, name);
	if (!l->socket.p)
		row_int(row, PORT, l->port);
	row_str(row, ADDRESS, l->address);
	row_strz(row, SCOPE, scope_of(l));
	row_str(row, PROTOCOL, l->protocol.p ? l->protocol : STR("mqtt"));
}

static void set_tls(struct host *host, struct rows *rows, struct row *row,
					const struct mosquitto_listener *l)
{
	bool certificate = l->certfile.n && l->keyfile.n;
	struct path_stat st;
	struct err err = {0};

	row_bool(row, TLS, certificate || l->psk_hint.n);
	row_str(row, TLS_VERSION, l->tls_version);
	row_bool(row, CLIENT_CERTIFICATES, certificate && l->require_certificate);
	row_str(row, CRL, l->crlfile);
	if (!l->keyfile.n)
		return;
	if (host_stat(host, str_dup(rows->arena, l->keyfile), true, &st, &err) < 0)
		row_unknown(row, KEY_MODE, arena_strdup(rows->arena, err.msg));
	else
		row_int(row, KEY_MODE, st.mode & 07777);
}

static void set_security(struct host *host, struct rows *rows, struct row *row,
						 const struct mosquitto *m, const struct mosquitto_listener *l)
{
	const struct mosquitto_security *s = l->security;

	if (m->local_only)
		row_bool(row, ANONYMOUS, true);
	else if (s->anonymous_set)
		row_bool(row, ANONYMOUS, s->anonymous);
	else if (m->version_known)
		row_bool(row, ANONYMOUS, false);
	else
		row_unknown(row, ANONYMOUS, "it depends on the version, and that is not known");
	row_str(row, PASSWORD_FILE, s->password_file);
	if (s->password_file.n)
		set_passwords(host, rows, row, str_dup(rows->arena, s->password_file));
	set_acl(host, rows, row, s->acl_file, s->anonymous_set && s->anonymous);
	row_str(row, PSK_FILE, s->psk_file);
	row_str(row, PLUGIN, s->plugin.p ? s->plugin : m->common.plugin);
}

static void add_row(struct host *host, struct rows *rows, const struct mosquitto *m,
					const struct mosquitto_listener *l)
{
	struct row *row = rows_add(rows, l->from);

	set_place(rows, row, l);
	set_tls(host, rows, row, l);
	set_security(host, rows, row, m, l);
	if (l->max_connections >= 0)
		row_int(row, MAX_CONNECTIONS, l->max_connections);
	if (m->packet_limit > 0)
		row_int(row, PACKET_LIMIT, m->packet_limit);
	row_str(row, USER, m->user);
	if (m->implied)
		row->note = "no listener is configured";
	if (m->implied && !m->version_known)
		for (int i = ADDRESS; i <= ANONYMOUS; i++)
			row_unknown(row, i, "it depends on the version, and that is not known");
}

static int read_mosquitto(struct host *host, struct rows *rows, struct err *err _unused_)
{
	struct mosquitto m;

	mosquitto_read(host, rows->arena, &m);
	/* What was not read may change each of them. */
	if (m.gap)
		rows_gap(rows, "%s", m.gap);
	for (size_t i = 0; !m.gap && i < m.n_listeners; i++)
		add_row(host, rows, &m, m.listeners[i]);
	return 0;
}

static const struct table mosquitto = {
	.name = "mosquitto",
	.doc = "Where the MQTT broker mosquitto listens, and whom it lets in: mosquitto.conf and its "
		   "include_dir, as the next start would take them",
	.columns = columns,
	.read = read_mosquitto,
	.loaded = LOADED_BY(.units = STARTED("mosquitto.service")),
	.started = &mosquitto_started,
};
TABLE(mosquitto);
