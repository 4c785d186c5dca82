/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates of services: those that the configurations of well-known servers name, and those in
 * directories where they are kept. Of each file the first certificate counts, which is the one that a
 * server shows. Of the private key only mode, owner, kind and the hash of its public half are read.
 */
#include <sys/stat.h>

#include "base/map.h"
#include "base/vec.h"
#include "host/edit.h"
#include "host/glob.h"
#include "host/nginx_config.h"
#include "host/passwd.h"
#include "host/pem.h"
#include "host/table.h"
#include "host/x509.h"

#define MAX_FILES 500               /* files that are looked into */
#define MAX_CONFIGS 500             /* configuration files that are read */
#define MAX_SIZE ((int64_t)2 << 20) /* bytes of a file with certificates */
#define DAY 86400

enum {
	PATH,
	SUBJECT,
	ISSUER,
	NAMES,
	NOT_BEFORE,
	NOT_AFTER,
	DAYS_LEFT,
	LIFETIME,
	KEY_TYPE,
	BITS,
	SIGNATURE,
	WEAK_SIGNATURE,
	SELF_SIGNED,
	CA,
	USED_BY,
	KEY,
	KEY_MODE,
	KEY_OWNER,
	KEY_MATCHES,
};

static const struct column columns[] = {
	[PATH] = {"path", TYPE_STRING, "The file", COLUMN_KEY | COLUMN_LABEL},
	[SUBJECT] = {"subject", TYPE_STRING, "Whom it names: CN=example.org", COLUMN_LABEL},
	[ISSUER] = {"issuer", TYPE_STRING, "Who signed it", 0},
	[NAMES] = {"names", TYPE_LIST, "DNS names and addresses of its subjectAltName", 0},
	[NOT_BEFORE] = {"not_before", TYPE_TIME, "Not valid before", 0},
	[NOT_AFTER] = {"not_after", TYPE_TIME, "Not valid after", 0},
	[DAYS_LEFT] = {"days_left", TYPE_INT, "Whole days until then; negative when it has passed", 0},
	[LIFETIME] = {"lifetime", TYPE_INT, "Days from the one to the other", 0},
	[KEY_TYPE] = {"key_type", TYPE_STRING, "rsa, ec, ed25519, ed448, dsa", 0},
	[BITS] = {"bits", TYPE_INT, "Size of its key", 0},
	[SIGNATURE] = {"signature", TYPE_STRING, "How it is signed: RSA-SHA256", 0},
	[WEAK_SIGNATURE] = {"weak_signature", TYPE_BOOL, "With MD5, SHA-1 or an older hash?", 0},
	[SELF_SIGNED] = {"self_signed", TYPE_BOOL, "Does it name itself as issuer?", 0},
	[CA] = {"ca", TYPE_BOOL, "Is it that of an authority, by its basic constraints?", 0},
	[USED_BY] = {"used_by", TYPE_STRING,
				 "The configuration that names it, or certbot and the like; absent: none is known",
				 0},
	[KEY] = {"key", TYPE_STRING,
			 "The file with its private key: named beside it, or found by its name; absent: none",
			 0},
	[KEY_MODE] = {"key_mode", TYPE_MODE, "Permission bits of that", COLUMN_SETTABLE},
	[KEY_OWNER] = {"key_owner", TYPE_STRING, "Who owns that", 0},
	[KEY_MATCHES] = {"key_matches", TYPE_BOOL, "Do both belong together? Unknown with a passphrase",
					 0},
	{0},
};

/* Where a server's configuration names certificates, and with which word. */
static const struct {
	const char *files, *certificate, *key;
} configs[] = {
	{"/etc/nginx/nginx.conf", "ssl_certificate", "ssl_certificate_key"},
	{"/etc/nginx/conf.d/*.conf", "ssl_certificate", "ssl_certificate_key"},
	{"/etc/nginx/sites-enabled/*", "ssl_certificate", "ssl_certificate_key"},
	{"/etc/apache2/apache2.conf", "SSLCertificateFile", "SSLCertificateKeyFile"},
	{"/etc/apache2/conf-enabled/*.conf", "SSLCertificateFile", "SSLCertificateKeyFile"},
	{"/etc/apache2/sites-enabled/*.conf", "SSLCertificateFile", "SSLCertificateKeyFile"},
	{"/etc/httpd/conf/httpd.conf", "SSLCertificateFile", "SSLCertificateKeyFile"},
	{"/etc/httpd/conf.d/*.conf", "SSLCertificateFile", "SSLCertificateKeyFile"},
	{"/etc/postgresql/*/*/postgresql.conf", "ssl_cert_file", "ssl_key_file"},
	{"/etc/postgresql/*/*/conf.d/*.conf", "ssl_cert_file", "ssl_key_file"},
	{"/etc/mosquitto/mosquitto.conf", "certfile", "keyfile"},
	{"/etc/mosquitto/conf.d/*.conf", "certfile", "keyfile"},
	{"/etc/postfix/main.cf", "smtpd_tls_cert_file", "smtpd_tls_key_file"},
	{"/etc/dovecot/conf.d/*.conf", "ssl_cert", "ssl_key"},
	{"/etc/dovecot/dovecot.conf", "ssl_cert", "ssl_key"},
	{"/etc/mysql/mariadb.conf.d/*.cnf", "ssl-cert", "ssl-key"},
	{"/etc/mysql/conf.d/*.cnf", "ssl-cert", "ssl-key"},
	{"/etc/redis/redis.conf", "tls-cert-file", "tls-key-file"},
	{"/etc/openvpn/*.conf", "cert", "key"},
	{"/etc/openvpn/server/*.conf", "cert", "key"},
	{"/etc/openvpn/client/*.conf", "cert", "key"},
};

/* Where they are kept; who takes care of them. */
static const struct {
	const char *files, *used_by;
} places[] = {
	{"/etc/letsencrypt/live/*/fullchain.pem", "certbot"},
	{"/var/lib/acme/live/*/fullchain", "acmetool"},
	{"/etc/lego/certificates/*.crt", "lego"},
	{"/var/lib/lego/certificates/*.crt", "lego"},
	{"/root/.acme.sh/*/fullchain.cer", "acme.sh"},
	{"/var/lib/caddy/.local/share/caddy/certificates/*/*/*.crt", "caddy"},
	{"/etc/cockpit/ws-certs.d/*.cert", "cockpit"},
	{"/etc/cockpit/ws-certs.d/*.crt", "cockpit"},
	{"/etc/haproxy/certs/*.pem", "haproxy"},
	{"/etc/exim4/exim.crt", "exim"},
	{"/var/lib/postgresql/*/*/server.crt", "postgresql"},
	{"/var/lib/pgsql/data/server.crt", "postgresql"},
	{"/etc/ssl/*.pem", NULL},
	{"/etc/ssl/*.crt", NULL},
	{"/etc/ssl/private/*.pem", NULL},
	{"/etc/ssl/private/*.crt", NULL},
	{"/etc/ssl/certs/ssl-cert-snakeoil.pem", NULL},
	{"/etc/pki/tls/certs/*.crt", NULL},
	{"/etc/nginx/ssl/*.pem", NULL},
	{"/etc/nginx/ssl/*.crt", NULL},
	{"/etc/nginx/certs/*.pem", NULL},
	{"/etc/nginx/certs/*.crt", NULL},
	{"/etc/apache2/ssl/*.pem", NULL},
	{"/etc/apache2/ssl/*.crt", NULL},
	{"/etc/mosquitto/certs/*.pem", NULL},
	{"/etc/mosquitto/certs/*.crt", NULL},
	{"/etc/mosquitto/ca_certificates/*.crt", NULL},
	{"/etc/openvpn/*.crt", NULL},
	{"/etc/openvpn/*/*.crt", NULL},
	{"/etc/swanctl/x509/*", NULL},
	{"/etc/ipsec.d/certs/*", NULL},
	{"/etc/mysql/*.pem", NULL},
};

struct named {
	struct str path, key; /* key: absent until a line says */
	const char *used_by;
};

struct reader {
	struct host *host;
	struct rows *rows;
	struct passwd_db users;
	bool has_users;
	VEC(struct named) files;
	struct map seen; /* by path: index + 1 */
	size_t configs;
};

/* --- which files ----------------------------------------------------------------------------- */

static struct named *add_file(struct reader *r, struct str path, const char *used_by)
{
	size_t known = (size_t)map_get(&r->seen, path);
	struct named *named;

	if (known) {
		named = &r->files.p[known - 1];
		if (!named->used_by)
			named->used_by = used_by;
		return named;
	}
	if (r->files.n == MAX_FILES) {
		rows_gap(r->rows, "over %d files with certificates", MAX_FILES);
		return NULL;
	}
	named = vec_push(r->rows->arena, &r->files);
	*named = (struct named){.path = path, .key = STR_ABSENT, .used_by = used_by};
	map_put(&r->seen, path, (void *)r->files.n); /* NOLINT: a number in a pointer's place */
	return named;
}

/* The path behind the word when the line begins with it: `ssl_certificate /x;`, `ssl_cert = </x`. */
static bool take_path(struct str line, const char *word, struct str *ret)
{
	struct str first = str_trim(line), rest;
	size_t n = strlen(word);

	if (first.n <= n || !str_is_nocase((struct str){first.p, n}, word))
		return false;
	rest = (struct str){first.p + n, first.n - n};
	if (!strchr(" \t=", rest.p[0]))
		return false;
	while (rest.n && strchr(" \t=<\"'", rest.p[0]))
		rest = (struct str){rest.p + 1, rest.n - 1};
	for (n = 0; n < rest.n && rest.p[n] && !strchr(" \t;\"'", rest.p[n]);)
		n++;
	*ret = (struct str){rest.p, n};
	return n > 0;
}

/* Relative to the server's directory, which for most is that of the configuration. */
static struct str absolute(struct reader *r, const char *config, struct str path)
{
	static const char *const servers[] = {"/etc/nginx/", "/etc/apache2/", "/etc/httpd/"};

	if (str_starts(path, "/"))
		return path;
	for (size_t i = 0; i < ARRAY_LEN(servers); i++)
		if (str_starts(str_of(config), servers[i]))
			config = servers[i];
	return str_of(arena_printf(r->rows->arena, "%.*s/%s", (int)(strrchr(config, '/') - config),
							   config, str_dup(r->rows->arena, path)));
}

static void read_config(struct reader *r, const char *path, const char *certificate,
						const char *key)
{
	struct str text, line, value, pending = STR_ABSENT;
	struct named *last = NULL;
	struct err err = {0};
	unsigned number = 0;
	int e = host_read(r->host, path, r->rows->arena, &text, &err);

	if (e < 0 && e != -ENOENT)
		rows_gap(r->rows, "%s", err.msg);
	for (; e == 0 && str_line(&text, &line);) {
		number++;
		if (take_path(line, certificate, &value)) {
			if (str_has_char(value, '$')) {
				rows_gap(r->rows, "%s:%u: names a certificate by a variable", path, number);
				continue;
			}
			last = add_file(r, absolute(r, path, value),
							arena_printf(r->rows->arena, "%s:%u", path, number));
			if (last && pending.p && !last->key.p)
				last->key = pending;
			pending = STR_ABSENT;
		} else if (take_path(line, key, &value)) {
			value = absolute(r, path, value);
			if (last && !last->key.p)
				last->key = value;
			else
				pending = value;
		}
	}
}

static void read_configs(struct reader *r)
{
	for (size_t i = 0; i < ARRAY_LEN(configs); i++) {
		struct err err = {0};
		struct str *paths;
		size_t n = 0;

		if (host_glob_loose(r->host, r->rows->arena, str_of(configs[i].files), &paths, &n, &err) <
			0)
			rows_gap(r->rows, "%s", err.msg);
		for (size_t k = 0; k < n && r->configs < MAX_CONFIGS; k++, r->configs++)
			read_config(r, paths[k].p, configs[i].certificate, configs[i].key);
	}
	if (r->configs == MAX_CONFIGS)
		rows_gap(r->rows, "over %d configurations of servers", MAX_CONFIGS);
}

/* What nginx includes from elsewhere; a snippet that nothing includes is nobody's. */
static void read_nginx_includes(struct reader *r)
{
	struct nginx_config config;
	struct err err = {0};
	int e = nginx_config_read(r->host, r->rows->arena, &config, &err);

	if (e == -ENOENT)
		return;
	if (e < 0)
		rows_gap(r->rows, "%s", err.msg);
	for (size_t i = 0; e == 0 && i < config.n_files; i++)
		read_config(r, str_dup(r->rows->arena, config.files[i]), "ssl_certificate",
					"ssl_certificate_key");
}

static void list_places(struct reader *r)
{
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		struct err err = {0};
		struct str *paths;
		size_t n = 0;

		if (host_glob_loose(r->host, r->rows->arena, str_of(places[i].files), &paths, &n, &err) < 0)
			rows_gap(r->rows, "%s", err.msg);
		for (size_t k = 0; k < n; k++)
			add_file(r, paths[k], places[i].used_by);
	}
}

/* --- the private key ------------------------------------------------------------------------- */

/* PATH with its last part, or that part's ending, replaced: fullchain.pem lies beside privkey.pem,
 * a.crt beside a.key, or ../private/a.key. */
static const char *guess_key(struct reader *r, struct str path, int guess)
{
	struct arena *a = r->rows->arena;
	const char *p = str_dup(a, path), *slash = strrchr(p, '/'), *dot = strrchr(slash, '.');
	int dir = (int)(slash - p), name = (int)((dot ? dot : p + path.n) - slash - 1);

	switch (guess) {
	case 0:
		return arena_printf(a, "%.*s/privkey.pem", dir, p);
	case 1:
		return arena_printf(a, "%.*s/%.*s.key", dir, p, name, slash + 1);
	case 2:
		return arena_printf(a, "/etc/ssl/private/%.*s.key", name, slash + 1);
	default:
		return arena_printf(a, "%.*s/../private/%.*s.key", dir, p, name, slash + 1);
	}
}

/* Does the key that the text holds belong to the certificate? */
static void set_matches(struct reader *r, struct row *row, const struct x509_facts *facts,
						struct str text)
{
	struct pem_item item;

	row_unknown(row, KEY_MATCHES, "no key of a kind that is known is in the file");
	while (pem_next(r->rows->arena, &text, &item)) {
		if (!item.is_key)
			continue;
		if (item.key.encrypted)
			row_unknown(row, KEY_MATCHES, "the key has a passphrase");
		else if (item.key.public_hash.p && facts->public_hash.p)
			row_bool(row, KEY_MATCHES, str_eq(item.key.public_hash, facts->public_hash));
		return;
	}
}

static bool set_key(struct reader *r, struct row *row, const struct x509_facts *facts,
					const char *path, bool named)
{
	struct str text;
	struct path_stat st;
	struct err err = {0};
	int e = host_stat(r->host, path, true, &st, &err);

	if (e < 0 && !named)
		return false;
	row_strz(row, KEY, path);
	if (e == -ENOENT) /* nobody can read it */
		return true;
	if (e < 0) {
		const char *why = arena_strdup(r->rows->arena, err.msg);

		row_unknown(row, KEY_MODE, why);
		row_unknown(row, KEY_OWNER, why);
		row_unknown(row, KEY_MATCHES, why);
		return true;
	}
	row_int(row, KEY_MODE, st.mode & 07777);
	if (r->has_users)
		row_str(row, KEY_OWNER, passwd_user_name(&r->users, st.uid, r->rows->arena));
	else
		row_unknown(row, KEY_OWNER, "/etc/passwd or /etc/group could not be read");
	if (host_read_scrubbed(r->host, path, pem_scrub, r->rows->arena, &text, &err) < 0)
		row_unknown(row, KEY_MATCHES, arena_strdup(r->rows->arena, err.msg));
	else
		set_matches(r, row, facts, text);
	return true;
}

static bool holds_key(struct reader *r, struct str text)
{
	struct pem_item item;

	while (pem_next(r->rows->arena, &text, &item))
		if (item.is_key)
			return true;
	return false;
}

static void find_key(struct reader *r, struct row *row, const struct named *file,
					 const struct x509_facts *facts, struct str text)
{
	if (file->key.p) {
		set_key(r, row, facts, str_dup(r->rows->arena, file->key), true);
		return;
	}
	if (holds_key(r, text)) {
		set_key(r, row, facts, str_dup(r->rows->arena, file->path), true);
		return;
	}
	for (int guess = 0; (file->used_by || !facts->ca) && guess < 4; guess++)
		if (set_key(r, row, facts, guess_key(r, file->path, guess), false))
			return;
}

/* --- the certificate ------------------------------------------------------------------------- */

static int64_t days(int64_t seconds)
{
	return seconds >= 0 ? seconds / DAY : -((-seconds + DAY - 1) / DAY);
}

static void set_facts(struct reader *r, struct row *row, const struct x509_facts *facts)
{
	row_str(row, SUBJECT, facts->subject);
	row_str(row, ISSUER, facts->issuer);
	row_list(row, NAMES, facts->names, facts->n_names);
	row_int(row, NOT_BEFORE, facts->not_before);
	row_int(row, NOT_AFTER, facts->not_after);
	row_int(row, DAYS_LEFT, days(facts->not_after - host_now(r->host)));
	row_int(row, LIFETIME, days(facts->not_after - facts->not_before));
	row_strz(row, SIGNATURE, facts->signature);
	row_bool(row, WEAK_SIGNATURE, x509_is_weak_signature(facts->signature));
	row_bool(row, SELF_SIGNED, facts->self_signed);
	row_bool(row, CA, facts->ca);
	if (facts->key_type) {
		row_strz(row, KEY_TYPE, facts->key_type);
		row_int(row, BITS, facts->bits);
	} else {
		row_unknown(row, KEY_TYPE, "a kind of key that is not known");
		row_unknown(row, BITS, "a kind of key that is not known");
	}
}

static void set_unknown(struct row *row, const char *why)
{
	for (int column = SUBJECT; column <= CA; column++)
		row_unknown(row, column, why);
}

static struct row *add_row(struct reader *r, const struct named *file)
{
	struct row *row = rows_add(r->rows, FROM(str_dup(r->rows->arena, file->path), 0));

	row_str(row, PATH, file->path);
	row_strz(row, USED_BY, file->used_by);
	return row;
}

/* What no configuration names is a certificate only when it holds one. */
static void read_file(struct reader *r, const struct named *file)
{
	const char *path = str_dup(r->rows->arena, file->path);
	struct path_stat st;
	struct err err = {0};
	struct str text = STR("");
	struct pem_item item = {.is_key = true};
	struct x509_facts facts;
	int e = host_stat(r->host, path, true, &st, &err);

	if (e == 0 && S_ISREG(st.mode) && st.size > MAX_SIZE)
		e = err_set(&err, EFBIG, "%s: over %lld bytes", path, (long long)MAX_SIZE);
	if (e == 0)
		e = host_read_scrubbed(r->host, path, pem_scrub, r->rows->arena, &text, &err);
	if (e == -ENOENT) /* then no server shows it */
		return;
	if (e < 0) {
		if (file->used_by)
			set_unknown(add_row(r, file), arena_strdup(r->rows->arena, err.msg));
		else
			rows_gap(r->rows, "%s", err.msg);
		return;
	}
	for (struct str rest = text; item.is_key;)
		if (!pem_next(r->rows->arena, &rest, &item))
			break;
	if (!item.is_key && x509_read(r->rows->arena, pem_der(r->rows->arena, &item), &facts)) {
		struct row *row = add_row(r, file);

		set_facts(r, row, &facts);
		find_key(r, row, file, &facts, text);
	} else if (file->used_by) {
		set_unknown(add_row(r, file), "no certificate is in the file");
	}
}

static int read_certificates(struct host *host, struct rows *rows, struct err *err _unused_)
{
	struct reader r = {.host = host, .rows = rows};
	struct err ignored = {0};

	map_init(&r.seen, rows->arena);
	r.has_users = passwd_read(host, rows->arena, &r.users, &ignored) == 0;
	read_configs(&r);
	read_nginx_includes(&r);
	list_places(&r);
	for (size_t i = 0; i < r.files.n; i++)
		read_file(&r, &r.files.p[i]);
	return 0;
}

static int set_certificates(struct host *host _unused_, const struct wish *wish,
							struct edits *edits, struct err *err)
{
	const struct value *key = wish->row ? &wish->row->cells[KEY] : NULL;

	if (wish->column != KEY_MODE || !key || key->state != VALUE_SET)
		return err_set(err, ENOTSUP, "certificates are issued, not edited");
	edit_attribute(edits, str_dup(edits->arena, key->string), "mode", edit_text(edits, wish, ","));
	return 0;
}

static const struct table certificates = {
	.name = "certificates",
	.doc = "Certificates that servers use, from their configurations and from where they are "
		   "kept: what they say, and the private key beside",
	.columns = columns,
	.read = read_certificates,
	.set = set_certificates,
	.fix = "chmod the private key of {path}",
	.cost = 5,
};
TABLE(certificates);
