/* SPDX-License-Identifier: Apache-2.0 */
/* Keys, as sshd's auth2-pubkey.c and misc.c look for them. */
#include <grp.h>
#include <limits.h>
#include <stdlib.h>
#include <time.h>

#include "base/exec.h"
#include "base/num.h"
#include "base/vec.h"
#include "change/login.h"
#include "change/match.h"
#include "host/ssh_key.h"

#define MAX_FILE ((size_t)1 << 20)
#define MAX_GROUPS 1024

/* --- the file ---------------------------------------------------------------------------------- */

/* The tokens of AuthorizedKeysFile; a relative path is below the home. NULL: one that is not known. */
static const char *expand(const struct login *l, const struct passwd_user *u, struct str pattern)
{
	_cleanup_buf_ struct buf path = BUF(PATH_MAX);

	for (size_t i = 0; i < pattern.n; i++) {
		char token = pattern.p[i] == '%' && i + 1 < pattern.n ? pattern.p[++i] : '\0';

		if (token == 'h')
			buf_str(&path, u->home);
		else if (token == 'u')
			buf_str(&path, u->name);
		else if (token == 'U')
			buf_printf(&path, "%u", u->uid);
		else if (!token || token == '%')
			buf_putc(&path, pattern.p[i]);
		else
			return NULL;
	}
	if (path.full || !path.n)
		return NULL;
	return path.p[0] == '/' ? arena_copy(l->arena, path.p, path.n)
							: arena_printf(l->arena, "%.*s/%.*s", STR_ARG(u->home), (int)path.n, path.p);
}

static bool is_safe(const struct passwd_user *u, const char *path, bool is_file)
{
	struct stat st;

	return stat(path, &st) == 0 && (!is_file || S_ISREG(st.st_mode)) && !(st.st_mode & 022) &&
		   (st.st_uid == u->uid || st.st_uid == 0);
}

/* As StrictModes has it: nobody but the user or root may write to the file or to a directory above,
 * up to the home. Links are resolved first. */
static bool is_safe_path(struct login *l, const struct passwd_user *u, const char *path)
{
	char real[PATH_MAX], home[PATH_MAX];

	if (!realpath(path, real) || !is_safe(u, real, true))
		return false;
	if (!realpath(str_dup(l->arena, u->home), home))
		home[0] = '\0';
	for (char *slash; (slash = strrchr(real, '/')) != NULL;) {
		*slash = '\0';
		if (!is_safe(u, *real ? real : "/", false))
			return false;
		if (strcmp(real, home) == 0)
			return true;
	}
	return true;
}

struct identity {
	uid_t uid;
	gid_t gid, groups[MAX_GROUPS];
	size_t n;
};

static int become(void *data)
{
	const struct identity *id = data;

	return setgroups(id->n, id->groups) < 0 || setresgid(id->gid, id->gid, id->gid) < 0 ||
		   setresuid(id->uid, id->uid, id->uid) < 0;
}

bool login_run_as(struct login *l, const struct passwd_user *u, const char *const argv[],
				  struct str *ret)
{
	struct identity id = {.uid = u->uid, .gid = u->gid, .groups = {u->gid}, .n = 1};
	struct exec_result result = {0};
	struct exec e;
	struct err ignored;

	for (size_t i = 0; i < l->users.n_groups && id.n < MAX_GROUPS; i++)
		for (size_t k = 0; k < l->users.groups[i].n_members; k++)
			if (str_eq(l->users.groups[i].members[k], u->name) && id.n < MAX_GROUPS)
				id.groups[id.n++] = l->users.groups[i].gid;
	e = exec_start(argv, become, &id);
	if (exec_finish(&e, MAX_FILE, 5000, l->arena, &result, &ignored) < 0 || result.status)
		return false;
	*ret = result.out;
	return true;
}

/* sshd reads it as the user: what he may not read does not let him in. */
static bool read_as(struct login *l, const struct passwd_user *u, const char *path, struct str *ret)
{
	const char *const argv[] = {"/usr/bin/head", "-c", "1048577", "--", path, NULL};

	return login_run_as(l, u, argv, ret);
}

/* --- the key ----------------------------------------------------------------------------------- */

/* `"a,b"` of from="a,b"; what quotes inside would do is not looked into. */
static bool unquoted(struct str *s)
{
	if (s->n < 2 || s->p[0] != '"' || s->p[s->n - 1] != '"')
		return false;
	*s = (struct str){s->p + 1, s->n - 2};
	return !str_has_char(*s, '"') && !str_has_char(*s, '\\');
}

/* YYYYMMDD or YYYYMMDDHHMM[SS], and Z for UTC. A day is spared, so that the zone does not matter. */
static bool is_past(struct str when)
{
	struct tm tm = {0};
	uint64_t day;

	if (when.n < 8 || num_u64((struct str){when.p, 8}, 19700101, 99991231, &day) < 0)
		return true;
	tm.tm_year = (int)(day / 10000) - 1900;
	tm.tm_mon = (int)(day / 100 % 100) - 1;
	tm.tm_mday = (int)(day % 100);
	return timegm(&tm) - 86400 < time(NULL);
}

static bool is_option_fine(const struct login *l, struct str option)
{
	static const char *const harmless[] = {
		"no-agent-forwarding", "agent-forwarding", "no-port-forwarding", "port-forwarding",
		"no-x11-forwarding", "x11-forwarding", "no-user-rc", "user-rc", "pty", "no-touch-required",
		"verify-required"};
	struct str name = STR_ABSENT, value = option;

	(void)str_cut(&value, '=', &name);
	for (size_t i = 0; i < ARRAY_LEN(harmless); i++)
		if (!value.p && str_is_nocase(name, harmless[i]))
			return true;
	if (!value.p || !unquoted(&value))
		return false;
	if (str_is_nocase(name, "from"))
		return l->session.peer[0] && match_address_list(l->session.peer, value);
	return str_is_nocase(name, "expiry-time") && !is_past(value);
}

static bool are_options_fine(const struct login *l, struct str options)
{
	struct str option;

	while (ssh_key_option(&options, &option))
		if (!is_option_fine(l, option))
			return false;
	return true;
}

static bool is_algorithm_taken(struct login *l, struct str text, const char *algorithm)
{
	struct str list = login_setting(text, "pubkeyacceptedalgorithms"), one;

	if (!list.p)
		list = login_setting(text, "pubkeyacceptedkeytypes");
	while (str_cut(&list, ',', &one))
		if (str_glob(str_dup(l->arena, one), str_of(algorithm)))
			return true;
	return false;
}

static bool is_key_taken(struct login *l, struct str text, const struct ssh_key_line *line)
{
	struct str least = login_setting(text, "requiredrsasize");
	uint64_t bits = 1024;

	if (line->key.certificate || !are_options_fine(l, line->options))
		return false;
	if (strcmp(line->key.type, "ssh-rsa") != 0)
		return is_algorithm_taken(l, text, line->key.type);
	if (least.p && num_u64(least, 0, UINT32_MAX, &bits) < 0)
		return false;
	return line->key.bits >= bits && (is_algorithm_taken(l, text, "rsa-sha2-256") ||
									  is_algorithm_taken(l, text, "rsa-sha2-512"));
}

static bool is_in(struct login *l, struct str content, struct str text)
{
	struct ssh_key_line key;
	struct str line;

	while (str_line(&content, &line))
		if (ssh_key_line_parse(l->arena, line, &key) && is_key_taken(l, text, &key))
			return true;
	return false;
}

/* Only a key alone counts, from a file: what a command or a certificate would add is not known. */
bool login_has_key(struct login *l, const struct passwd_user *u, struct str text, const char **ret_path)
{
	struct str files = login_setting(text, "authorizedkeysfile"), word, content;
	struct str revoked = login_setting(text, "revokedkeys");
	const char *found = NULL;
	struct stat home;

	if (revoked.p && !str_is(revoked, "none")) {
		l->why = "RevokedKeys is set, and may hold the key";
		return false;
	}
	l->why = "no key in a file that sshd reads lets in from there";
	if (stat(str_dup(l->arena, u->home), &home) < 0)
		l->why = arena_printf(l->arena, "its home, %.*s, cannot be looked at: %s", STR_ARG(u->home),
							  strerror(errno));
	while (!found && str_word(&files, &word)) {
		const char *path = expand(l, u, word);
		char real[PATH_MAX];

		if (!path || !realpath(path, real))
			continue;
		if (!is_safe_path(l, u, path) || !read_as(l, u, real, &content))
			l->why = arena_printf(l->arena, "sshd takes no key from %s: not the user's to read, or "
								  "others can write to it or to a directory above", path);
		else if (is_in(l, content, text) && login_home_stays(l, u, real))
			found = path;
	}
	*ret_path = found;
	return found != NULL;
}
