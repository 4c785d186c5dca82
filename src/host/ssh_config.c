/* SPDX-License-Identifier: Apache-2.0 */
#include "host/ssh_config.h"

#include "base/buf.h"
#include "base/vec.h"
#include "host/glob.h"

/* Of ssh_config(5), what bears on who is trusted with what. What may hold a secret (ProxyCommand,
 * SetEnv) is not among them. */
static const struct {
	const char *name, *means; /* means: today's name of a former one */
} keywords[] = {
	{"AddKeysToAgent", NULL},
	{"BatchMode", NULL},
	{"CASignatureAlgorithms", NULL},
	{"ChallengeResponseAuthentication", "KbdInteractiveAuthentication"},
	{"CheckHostIP", NULL},
	{"Ciphers", NULL},
	{"Compression", NULL},
	{"ControlMaster", NULL},
	{"EnableSSHKeysign", NULL},
	{"FingerprintHash", NULL},
	{"ForwardAgent", NULL},
	{"ForwardX11", NULL},
	{"ForwardX11Trusted", NULL},
	{"GatewayPorts", NULL},
	{"GlobalKnownHostsFile", NULL},
	{"GSSAPIAuthentication", NULL},
	{"GSSAPIDelegateCredentials", NULL},
	{"HashKnownHosts", NULL},
	{"HostbasedAcceptedAlgorithms", NULL},
	{"HostbasedAuthentication", NULL},
	{"HostbasedKeyTypes", "HostbasedAcceptedAlgorithms"},
	{"HostKeyAlgorithms", NULL},
	{"IdentitiesOnly", NULL},
	{"KbdInteractiveAuthentication", NULL},
	{"KexAlgorithms", NULL},
	{"LogLevel", NULL},
	{"MACs", NULL},
	{"NoHostAuthenticationForLocalhost", NULL},
	{"NumberOfPasswordPrompts", NULL},
	{"PasswordAuthentication", NULL},
	{"PermitLocalCommand", NULL},
	{"PubkeyAcceptedAlgorithms", NULL},
	{"PubkeyAcceptedKeyTypes", "PubkeyAcceptedAlgorithms"},
	{"PubkeyAuthentication", NULL},
	{"RekeyLimit", NULL},
	{"RequiredRSASize", NULL},
	{"RevokedHostKeys", NULL},
	{"ServerAliveInterval", NULL},
	{"StrictHostKeyChecking", NULL},
	{"Tunnel", NULL},
	{"UpdateHostKeys", NULL},
	{"UserKnownHostsFile", NULL},
	{"VerifyHostKeyDNS", NULL},
	{"VisualHostKey", NULL},
};

const char *ssh_config_keyword(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(keywords); i++)
		if (str_is_nocase(name, keywords[i].name))
			return keywords[i].means ? keywords[i].means : keywords[i].name;
	return NULL;
}

/* --- what is read of a file ------------------------------------------------------------------- */

static bool is_structure(struct str name)
{
	return str_is_nocase(name, "Host") || str_is_nocase(name, "Match") ||
		   str_is_nocase(name, "Include");
}

/* An Include may lead to any file: lines that are no options of interest become empty ones. */
static void keep_options(struct str text, struct buf *out)
{
	_cleanup_arena_ struct arena a = {0};
	struct str line;

	while (str_line(&text, &line)) {
		struct sshd_line parsed;

		sshd_line_parse(&a, line, &parsed);
		if (parsed.name.p && (is_structure(parsed.name) || ssh_config_keyword(parsed.name)))
			buf_str(out, line);
		buf_putc(out, '\n');
		arena_done(&a);
	}
}

struct walk {
	struct host *host;
	struct arena *arena;
	struct ssh_config *config;
	const char *dir, *home;
	size_t bytes, files;
	struct err *err;
};

static void gap(struct walk *w, const char *why)
{
	if (!w->config->gap)
		w->config->gap = why;
}

static struct str join(struct arena *a, const struct sshd_line *line)
{
	_cleanup_buf_ struct buf text = BUF(HOST_MAX_FILE);

	for (size_t i = 0; i < line->n_args; i++)
		buf_printf(&text, "%s%.*s", i ? " " : "", STR_ARG(line->args[i]));
	return (struct str){arena_copy(a, text.p ? text.p : "", text.n), text.n};
}

static void add_option(struct walk *w, const char *keyword, const struct sshd_line *line,
					   const char *file, unsigned number, struct str criteria)
{
	struct ssh_config *c = w->config;

	if (c->n == c->cap)
		c->options = vec_grow(w->arena, c->options, c->n, &c->cap, sizeof(*c->options));
	c->options[c->n++] = (struct ssh_option){keyword, join(w->arena, line), file, number, criteria};
}

/* What a block is for, within what its file is included for; absent: every host. */
static struct str enter(struct walk *w, const struct sshd_line *line, struct str outer)
{
	bool match = str_is_nocase(line->name, "Match");
	bool all = line->n_args == 1 &&
			   (match ? str_is_nocase(line->args[0], "all") : str_is(line->args[0], "*"));
	struct str said = join(w->arena, line);

	if (all)
		return outer;
	return str_of(arena_printf(w->arena, "%.*s%s%s %.*s", STR_ARG(outer), outer.p ? ", " : "",
							   match ? "Match" : "Host", STR_ARG(said)));
}

static int read_file(struct walk *w, const char *path, struct str outer, unsigned depth);

static void include(struct walk *w, struct str pattern, struct str criteria, unsigned depth)
{
	struct str *paths;
	size_t n;

	if (w->bytes > SSH_MAX_TOTAL || w->files > SSH_MAX_FILES) {
		gap(w, "ssh_config: too many includes, or too large ones");
		return;
	}
	if (str_has_char(pattern, '%') || str_has_char(pattern, '$')) {
		gap(w, arena_printf(w->arena, "Include %.*s: depends on the connection", STR_ARG(pattern)));
		return;
	}
	if (w->home && str_skip(&pattern, "~/"))
		pattern = str_of(arena_printf(w->arena, "%s/%s", w->home, str_dup(w->arena, pattern)));
	else if (!str_starts(pattern, "/"))
		pattern = str_of(arena_printf(w->arena, "%s/%s", w->dir, str_dup(w->arena, pattern)));
	if (host_glob_loose(w->host, w->arena, pattern, &paths, &n, w->err) < 0) {
		gap(w, arena_strdup(w->arena, w->err->msg));
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (read_file(w, paths[i].p, criteria, depth + 1) < 0)
			gap(w, arena_strdup(w->arena, w->err->msg));
}

static void read_line(struct walk *w, const struct sshd_line *line, const char *path,
					  unsigned number, struct str outer, struct str *criteria, unsigned depth)
{
	const char *keyword = ssh_config_keyword(line->name);

	if (line->bad && (keyword || is_structure(line->name))) {
		gap(w, arena_printf(w->arena, "%s:%u: ssh would not start: %s", path, number, line->bad));
	} else if (keyword) {
		add_option(w, keyword, line, path, number, *criteria);
	} else if (str_is_nocase(line->name, "Include")) {
		for (size_t i = 0; i < line->n_args; i++)
			include(w, line->args[i], *criteria, depth);
	} else if (is_structure(line->name)) {
		*criteria = enter(w, line, outer);
	}
}

static int read_file(struct walk *w, const char *path, struct str outer, unsigned depth)
{
	struct str criteria = outer, text;
	struct sshd_file file;
	int r;

	if (depth > SSH_MAX_DEPTH || w->bytes > SSH_MAX_TOTAL || ++w->files > SSH_MAX_FILES)
		return err_set(w->err, E2BIG, "%s: too many includes, or too large ones", path);
	r = host_read_scrubbed(w->host, path, keep_options, w->arena, &text, w->err);
	if (r < 0)
		return r;
	w->bytes += text.n;
	if (depth && w->bytes > SSH_MAX_TOTAL)
		return err_set(w->err, EFBIG, "%s: with what was read before over %zu bytes", path,
					   SSH_MAX_TOTAL);
	sshd_file_parse(w->arena, path, text, &file);
	for (size_t i = 0; i < file.n; i++)
		if (file.lines[i].name.p)
			read_line(w, &file.lines[i], path, (unsigned)i + 1, outer, &criteria, depth);
	return 0;
}

int ssh_config_read(struct host *host, struct arena *arena, const char *path, const char *dir,
					const char *home, struct ssh_config *ret, struct err *err)
{
	struct walk w = {
		.host = host, .arena = arena, .config = ret, .dir = dir, .home = home, .err = err};

	return read_file(&w, path, STR_ABSENT, 0);
}
