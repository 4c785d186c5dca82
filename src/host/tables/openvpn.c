/* SPDX-License-Identifier: Apache-2.0 */
/* Directives of OpenVPN's configurations: /etc/openvpn and its directories server and client. */
#include "base/buf.h"
#include "host/glob.h"
#include "host/secret.h"
#include "host/table.h"

#define MAX_CONFIGS 200

enum {
	FILE_,
	SERVER,
	PROTECTED,
	USER,
	CIPHERS,
	WEAK_CIPHER,
	AUTH,
	TLS_MIN,
	TLS_AUTH,
	CRL,
	NO_VERIFY,
	PLAIN_MANAGEMENT,
	SCRIPTS
};

static const struct column columns[] = {
	[FILE_] = {"file", TYPE_STRING, "The configuration", COLUMN_KEY | COLUMN_LABEL},
	[SERVER] = {"server", TYPE_BOOL, "Does it take connections (server, mode server, tls-server)?",
				0},
	[PROTECTED] = {"tls", TYPE_BOOL,
				   "Are keys agreed with TLS, rather than one static key (secret)?", 0},
	[USER] = {"user", TYPE_STRING, "Whom it becomes; absent: it stays root", 0},
	[CIPHERS] = {"ciphers", TYPE_LIST, "Of cipher, data-ciphers and data-ciphers-fallback", 0},
	[WEAK_CIPHER] = {"weak_cipher", TYPE_BOOL,
					 "Is one of them none, or of blocks of 64 bits (BF, DES, CAST5, RC2), or RC4?",
					 0},
	[AUTH] = {"auth", TYPE_STRING, "auth; absent: SHA1, which as an HMAC is sound", 0},
	[TLS_MIN] = {"tls_version_min", TYPE_STRING,
				 "tls-version-min; absent: 1.2 from OpenVPN 2.6, before that 1.0", 0},
	[TLS_AUTH] = {"tls_key", TYPE_STRING, "tls-crypt, tls-crypt-v2 or tls-auth; absent: none", 0},
	[CRL] = {"crl_verify", TYPE_BOOL, "Does it look at a list of revoked certificates?", 0},
	[NO_VERIFY] =
		{"peer_unverified", TYPE_BOOL,
		 "A server that asks for no certificate (verify-client-cert none), or a client that takes "
		 "that of any of the authority's for a server's (no remote-cert-tls, ns-cert-type, "
		 "verify-x509-name)",
		 0},
	[PLAIN_MANAGEMENT] = {"management", TYPE_STRING,
						  "Address of the management interface when it is not loopback or a socket "
						  "and asks for no password; "
						  "absent: none such",
						  0},
	[SCRIPTS] = {"password_in_environment", TYPE_BOOL,
				 "script-security 3: are passwords handed to scripts?", 0},
	{0},
};

/* One configuration, as far as it was read. */
struct vpn {
	struct rows *rows;
	struct row *row;
	struct str ciphers[32];
	size_t n_ciphers;
	bool server, client, secret, no_client_cert, checks_server;
};

static bool is_weak(struct str cipher)
{
	static const char *const weak[] = {"none", "BF-", "DES", "CAST5", "RC2", "RC4", "IDEA", "NULL"};

	for (size_t i = 0; i < ARRAY_LEN(weak); i++) {
		size_t n = strlen(weak[i]);

		if (cipher.n >= n && str_is_nocase((struct str){cipher.p, n}, weak[i]))
			return true;
	}
	return false;
}

static void add_ciphers(struct vpn *v, struct str list)
{
	struct str name;

	while (v->n_ciphers < ARRAY_LEN(v->ciphers) && str_cut(&list, ':', &name)) {
		str_skip(&name, "?");
		if (name.n)
			v->ciphers[v->n_ciphers++] = name;
	}
	if (list.n)
		row_unknown(v->row, CIPHERS, "very many ciphers");
}

/* management ADDRESS PORT [PASSWORD-FILE] */
static void set_management(struct vpn *v, struct str address, struct str rest)
{
	struct str port = STR_ABSENT, password = STR_ABSENT;

	(void)str_word(&rest, &port);
	(void)str_word(&rest, &password);
	if (str_is(port, "unix") || password.p || str_starts(address, "127.") ||
		str_is(address, "::1") || str_is(address, "localhost"))
		return;
	row_str(v->row, PLAIN_MANAGEMENT, address);
}

static void read_directive(struct vpn *v, struct str name, struct str first, struct str rest)
{
	static const char *const server[] = {"server", "server-ipv6", "server-bridge", "tls-server"};
	static const char *const checks[] = {"remote-cert-tls",  "remote-cert-eku", "ns-cert-type",
										 "verify-x509-name", "tls-remote",      "peer-fingerprint"};
	static const char *const keys[] = {"tls-crypt", "tls-crypt-v2", "tls-auth"};

	for (size_t i = 0; i < ARRAY_LEN(server); i++)
		v->server |= str_is(name, server[i]);
	for (size_t i = 0; i < ARRAY_LEN(checks); i++)
		v->checks_server |= str_is(name, checks[i]);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (str_is(name, keys[i]))
			row_strz(v->row, TLS_AUTH, keys[i]);
	v->server |= str_is(name, "mode") && str_is(first, "server");
	v->client |= str_is(name, "client") || str_is(name, "tls-client") || str_is(name, "pull");
	v->secret |= str_is(name, "secret");
	v->no_client_cert |= (str_is(name, "verify-client-cert") && str_is(first, "none")) ||
						 str_is(name, "client-cert-not-required");
	if (str_is(name, "cipher") || str_is(name, "data-ciphers") || str_is(name, "ncp-ciphers") ||
		str_is(name, "data-ciphers-fallback"))
		add_ciphers(v, first);
	else if (str_is(name, "user"))
		row_str(v->row, USER, first);
	else if (str_is(name, "auth"))
		row_str(v->row, AUTH, first);
	else if (str_is(name, "tls-version-min"))
		row_str(v->row, TLS_MIN, first);
	else if (str_is(name, "crl-verify"))
		row_bool(v->row, CRL, true);
	else if (str_is(name, "script-security"))
		row_bool(v->row, SCRIPTS, str_is(first, "3"));
	else if (str_is(name, "management"))
		set_management(v, first, rest);
	else if (str_is(name, "config"))
		rows_gap(v->rows, "%s: its directive `config %.*s` is not followed", v->row->from.path,
				 STR_ARG(first));
}

/* A word in quotes loses them. */
static bool take_word(struct str *line, struct str *ret)
{
	struct str s = str_trim(*line);
	const char *end;

	if (!s.n || s.p[0] == '#' || s.p[0] == ';')
		return false;
	if (s.p[0] != '"' && s.p[0] != '\'') {
		*line = s;
		return str_word(line, ret);
	}
	end = memchr(s.p + 1, s.p[0], s.n - 1);
	if (!end)
		return false;
	*ret = (struct str){s.p + 1, (size_t)(end - s.p - 1)};
	*line = (struct str){end + 1, s.n - (size_t)(end + 1 - s.p)};
	return true;
}

/* <key> ... </key>: a file in the configuration itself. */
static bool take_inline(struct str *text, struct str line, struct str *ret_name)
{
	struct str inner;
	const char *end;

	line = str_trim(line);
	if (!str_starts(line, "<") || !str_ends(line, ">") || line.n < 3 || line.p[1] == '/')
		return false;
	*ret_name = (struct str){line.p + 1, line.n - 2};
	while (str_line(text, &inner)) {
		inner = str_trim(inner);
		end = inner.p + inner.n;
		if (str_starts(inner, "</") && end[-1] == '>' && inner.n == ret_name->n + 3 &&
			memcmp(inner.p + 2, ret_name->p, ret_name->n) == 0)
			break;
	}
	return true;
}

/* What stands between <key> and </key> is a secret as often as not, and nothing of it is judged. */
static void without_inline(struct str text, struct buf *out)
{
	_cleanup_buf_ struct buf kept = BUF((size_t)16 << 20);
	struct str line, name;

	while (str_line(&text, &line)) {
		if (take_inline(&text, line, &name))
			buf_printf(&kept, "<%.*s>\n</%.*s>\n", STR_ARG(name), STR_ARG(name));
		else {
			buf_str(&kept, line);
			buf_putc(&kept, '\n');
		}
	}
	secret_mask(buf_get(&kept), out);
}

static void read_text(struct vpn *v, struct str text)
{
	struct str line, name, first;

	while (str_line(&text, &line)) {
		if (take_inline(&text, line, &name)) {
			read_directive(v, name, STR("[inline]"), STR(""));
			continue;
		}
		if (!take_word(&line, &name))
			continue;
		str_skip(&name, "--");
		if (!take_word(&line, &first))
			first = STR("");
		read_directive(v, name, first, line);
	}
}

static void finish(struct vpn *v)
{
	struct str *list = arena_new(v->rows->arena, struct str, v->n_ciphers + 1);
	bool weak = false;

	for (size_t i = 0; i < v->n_ciphers; i++) {
		list[i] = v->ciphers[i];
		weak |= is_weak(list[i]);
	}
	if (v->n_ciphers)
		row_list(v->row, CIPHERS, list, v->n_ciphers);
	row_bool(v->row, WEAK_CIPHER, weak);
	row_bool(v->row, SERVER, v->server);
	row_bool(v->row, PROTECTED, !v->secret);
	row_bool(v->row, NO_VERIFY, v->server ? v->no_client_cert : v->client && !v->checks_server);
	if (v->row->cells[CRL].state == VALUE_ABSENT)
		row_bool(v->row, CRL, false);
	if (v->row->cells[SCRIPTS].state == VALUE_ABSENT)
		row_bool(v->row, SCRIPTS, false);
}

static void read_config(struct host *host, struct rows *rows, const char *path)
{
	struct err err = {0};
	struct str text;
	struct vpn v = {.rows = rows};

	if (host_read_scrubbed(host, path, without_inline, rows->arena, &text, &err) < 0) {
		rows_gap(rows, "%s", err.msg);
		return;
	}
	v.row = rows_add(rows, FROM(path, 0));
	row_strz(v.row, FILE_, path);
	read_text(&v, text);
	finish(&v);
}

static int read_openvpn(struct host *host, struct rows *rows, struct err *err _unused_)
{
	static const char *const patterns[] = {
		"/etc/openvpn/*.conf",
		"/etc/openvpn/server/*.conf",
		"/etc/openvpn/client/*.conf",
	};
	size_t all = 0;

	for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
		struct err failed = {0};
		struct str *paths;
		size_t n = 0;

		if (host_glob(host, rows->arena, str_of(patterns[i]), &paths, &n, &failed) < 0)
			rows_gap(rows, "%s", failed.msg);
		for (size_t k = 0; k < n && all < MAX_CONFIGS; k++, all++)
			read_config(host, rows, paths[k].p);
	}
	if (all == MAX_CONFIGS)
		rows_gap(rows, "over %d configurations", MAX_CONFIGS);
	return 0;
}

static const struct table openvpn = {
	.name = "openvpn",
	.doc =
		"OpenVPN's configurations in /etc/openvpn, its clients' and its servers': one row for each",
	.columns = columns,
	.read = read_openvpn,
	.loaded = LOADED_BY(.units = STARTED("openvpn@*.service", "openvpn-server@*.service",
										 "openvpn-client@*.service")),
	.started =
		&(const struct started){
			.programs = STARTED("openvpn"),
			.units = STARTED("openvpn@*.service", "openvpn-server@*.service",
							 "openvpn-client@*.service", "openvpn.service"),
			.needed = STARTED("--config [!/]*.conf", "--config /etc/openvpn/*.conf"),
			.usual = STARTED("--daemon *", "--cd /etc/openvpn*", "--status *", "--status * 10",
							 "--status-version 2", "--suppress-timestamps", "--nobind",
							 "--script-security 2", "--writepid *"),
		},
};
TABLE(openvpn);
