/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts: what shadow(5) says of them, and what PAM does. */
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>

#include "base/exec.h"
#include "base/num.h"
#include "change/login.h"
#include "host/library.h"
#include "host/pam_stack.h"
#include "host/pam_try.h"

/* --- shadow ------------------------------------------------------------------------------------ */

enum { NAME, HASH, CHANGED, LEAST, MOST, WARN, INACTIVE, EXPIRES, N_FIELDS };

static bool find_entry(const struct login *l, const struct passwd_user *u, struct str ret[N_FIELDS])
{
	struct str text, line, field;

	if (path_read(l->place->root_fd, "/etc/shadow", (size_t)16 << 20, l->arena, &text) < 0)
		return false;
	while (str_line(&text, &line)) {
		size_t n = 0;

		while (n < N_FIELDS && str_cut(&line, ':', &field))
			ret[n++] = field;
		if (n == N_FIELDS && str_eq(ret[NAME], u->name))
			return true;
	}
	return false;
}

/* Days; an empty field is -1, what is no number is taken for the past. */
static int64_t days(struct str field)
{
	int64_t n = 0;

	if (!field.n)
		return -1;
	return num_i64(field, -1, INT32_MAX, &n) < 0 ? 0 : n;
}

bool login_is_account_open(struct login *l, const struct passwd_user *u, bool uses_pam,
						   bool *ret_password)
{
	struct str f[N_FIELDS];
	int64_t today = (int64_t)time(NULL) / 86400, changed, most, expires;

	*ret_password = false;
	l->why = "it has no entry in /etc/shadow";
	if (!find_entry(l, u, f))
		return false;
	changed = days(f[CHANGED]);
	most = days(f[MOST]);
	expires = days(f[EXPIRES]);
	l->why = "the account has expired";
	/* Midnight is not to fall between the change and the next login. */
	if (expires >= 0 && today + 1 >= expires)
		return false;
	l->why = "its password has to be changed first";
	if (changed == 0 || (changed > 0 && most >= 0 && today + 1 - changed > most))
		return false;
	l->why = "sshd without PAM lets no locked account in";
	if (!uses_pam && str_starts(f[HASH], "!"))
		return false;
	*ret_password = f[HASH].n > 1 && f[HASH].p[0] != '!' && f[HASH].p[0] != '*';
	return true;
}

/* --- PAM --------------------------------------------------------------------------------------- */

/* Of pam_appl.h, whose values are those of every Linux-PAM. */
struct pam_conv {
	int (*conv)(int, const void **, void **, void *);
	void *data;
};
enum { PAM_SUCCESS = 0, PAM_CONV_ERR = 19, PAM_TTY = 3, PAM_RHOST = 4, PAM_SILENT = 0x8000 };

static int no_conversation(int n _unused_, const void **messages _unused_, void **answers _unused_,
						   void *data _unused_)
{
	return PAM_CONV_ERR;
}

static int ask_pam(const char *service, const char *user, const char *peer)
{
	int (*start)(const char *, const char *, const struct pam_conv *, void **);
	int (*set)(void *, int, const void *);
	int (*account)(void *, int);
	struct library_symbol symbols[] = {
		{"pam_start", &start}, {"pam_set_item", &set}, {"pam_acct_mgmt", &account}};
	const struct pam_conv conversation = {no_conversation, NULL};
	void *library = NULL, *handle = NULL;
	struct err ignored;

	if (library_open("libpam.so.0", symbols, ARRAY_LEN(symbols), &library, &ignored) < 0 ||
		start(service, user, &conversation, &handle) != PAM_SUCCESS ||
		set(handle, PAM_TTY, "ssh") != PAM_SUCCESS || set(handle, PAM_RHOST, peer) != PAM_SUCCESS)
		return 1;
	return account(handle, PAM_SILENT) != PAM_SUCCESS;
}

/* The first bytes of a program or library, up to what machine it is for: elf(5). */
#define ELF_HEAD 20

static bool read_head(const char *path, unsigned char ret[ELF_HEAD])
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	return fd >= 0 && read(fd, ret, ELF_HEAD) == ELF_HEAD;
}

/* Of the class, byte order and machine that this program is for; not what is left of an update that
 * was cut short. */
static bool is_library(const char *path)
{
	unsigned char own[ELF_HEAD], its[ELF_HEAD];

	return read_head("/proc/self/exe", own) && read_head(path, its) && memcmp(own, its, 6) == 0 &&
		   memcmp(own + 18, its + 18, 2) == 0;
}

static bool is_module_there(struct login *l, struct str module)
{
	const char *name = str_dup(l->arena, module);
	const char *pattern =
		name[0] == '/' ? name : arena_printf(l->arena, "{/usr,}/lib{,64,/*}/security/%s", name);
	glob_t found = {0};
	bool there = glob(pattern, GLOB_BRACE, NULL, &found) == 0;

	for (size_t i = 0; there && i < found.gl_pathc; i++)
		there = is_library(found.gl_pathv[i]);
	globfree(&found);
	return there;
}

/* A module that may be missing says so in its line. Where a substack begins, there is none. */
static bool is_loaded(struct login *l, const struct pam_line *line)
{
	if (line->substack)
		return true;
	if (line->note)
		return str_starts(str_of(line->note), "with -");
	return is_module_there(l, line->module);
}

/* What opens a session can only be done for real; whether it is there can be told. */
static bool opens_sessions(struct login *l, const char *service)
{
	struct pam_stack stack;
	struct err ignored;

	l->why = arena_printf(l->arena, "the PAM stack of %s cannot be read", service);
	if (pam_read(l->host, l->arena, &stack, &ignored) < 0)
		return false;
	for (size_t i = 0; i < stack.n; i++) {
		const struct pam_line *line = &stack.lines[i];

		if (!str_is(line->service, service) || !str_is(line->type, "session") ||
			str_is_nocase(line->control, "optional"))
			continue;
		l->why = arena_printf(l->arena, "%s:%u: PAM cannot load it", line->file, line->line);
		if (!is_loaded(l, line))
			return false;
	}
	return true;
}

/* In a process of its own: modules are other people's code. */
bool login_pam_admits(struct login *l, const char *service, const char *user)
{
	int status = 0;
	pid_t pid;

	if (!opens_sessions(l, service))
		return false;
	pid = fork();
	if (pid == 0) {
		signal(SIGALRM, SIG_DFL);
		alarm(10);
		_exit(ask_pam(service, user, l->peer));
	}
	l->why = arena_printf(l->arena, "PAM does not let it in (service %s)", service);
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* --- pam_faillock ------------------------------------------------------------------------------ */

#define FAILLOCK "/usr/sbin/faillock"
#define FAILLOCK_CONF "/etc/security/faillock.conf"

/* The argument of the line, else what the file sets; absent: neither does. */
static struct str faillock_setting(struct login *l, const struct pam_line *line, const char *key)
{
	struct str text, one, name = STR_ABSENT, value = STR_ABSENT;

	for (size_t i = 0; i < line->n_args; i++) {
		value = line->args[i];
		if (str_cut(&value, '=', &name) && str_is(name, key))
			return value;
	}
	if (path_read(l->place->root_fd, FAILLOCK_CONF, 65536, l->arena, &text) < 0)
		return STR_ABSENT;
	while (str_line(&text, &one))
		if (str_cut(&one, '=', &name) && str_is(str_trim(name), key))
			return str_trim(one);
	return STR_ABSENT;
}

/* The lines of faillock(8) that end in V, for valid: wrong passwords since the last right one. */
static bool count_failures(struct login *l, const char *user, struct str dir, uint64_t *ret)
{
	const char *const argv[] = {
		FAILLOCK, "--user", user, dir.n ? "--dir" : NULL, dir.n ? str_dup(l->arena, dir) : NULL,
		NULL};
	struct exec_result result = {0};
	struct exec e = exec_start(argv, NULL, NULL);
	struct str text, line;
	struct err ignored;

	if (exec_finish(&e, (size_t)1 << 20, 10000, l->arena, &result, &ignored) < 0 || result.status)
		return false;
	text = result.out;
	for (*ret = 0; str_line(&text, &line);)
		*ret += str_ends(line, " V");
	return true;
}

/* Would it let none of the user's passwords pass? Failures that are too long ago to count do count
 * here: how long that is may be what changes. */
static bool is_shut_by_failures(struct login *l, const struct pam_line *line, const char *user)
{
	struct str deny = faillock_setting(l, line, "deny");
	uint64_t most = 3, failures = 0; /* 3: pam_faillock(8) */

	l->why =
		arena_printf(l->arena, "%s:%u: pam_faillock has counted too many wrong passwords of its",
					 line->file, line->line);
	if (deny.p && num_u64(deny, 0, UINT32_MAX, &most) < 0)
		return true;
	return most && (!count_failures(l, user, faillock_setting(l, line, "dir"), &failures) ||
					failures >= most);
}

/* --- passwords --------------------------------------------------------------------------------- */

/* In front of pam_unix these decide by themselves, on grounds that are not looked into. */
static bool may_deny(const struct pam_line *line)
{

	if (!str_is_nocase(line->control, "required") && !str_is_nocase(line->control, "requisite"))
		return false;
	return str_is_one_of(line->module, NAMES("pam_deny.so", "pam_wheel.so", "pam_listfile.so",
											 "pam_access.so", "pam_shells.so", "pam_securetty.so",
											 "pam_succeed_if.so", "pam_time.so"));
}

/* Does the line keep out whoever has the right password? */
static bool is_in_the_way(struct login *l, const struct pam_line *line, const char *user)
{
	l->why = arena_printf(l->arena, "%s:%u: PAM cannot load it", line->file, line->line);
	if (!is_loaded(l, line))
		return true;
	return str_is(line->module, "pam_faillock.so") && is_shut_by_failures(l, line, user);
}

bool login_pam_takes_password(struct login *l, const char *service, const char *user)
{
	struct pam_stack stack;
	struct err ignored;
	bool checks = false;

	l->why = arena_printf(l->arena, "the PAM stack of %s cannot be read", service);
	if (pam_read(l->host, l->arena, &stack, &ignored) < 0 || stack.gap)
		return false;
	for (size_t i = 0; i < stack.n; i++) {
		const struct pam_line *line = &stack.lines[i];

		if (!str_is(line->service, service) || !str_is(line->type, "auth"))
			continue;
		if (is_in_the_way(l, line, user))
			return false;
		l->why = arena_printf(l->arena, "%s:%u: what PAM asks of it there is not known", line->file,
							  line->line);
		if (!checks && may_deny(line))
			return false;
		checks |= str_is(line->module, "pam_unix.so");
	}
	l->why = arena_printf(l->arena, "PAM refuses the right password, or asks for more (service %s)",
						  service);
	if (checks && pam_try_password(&stack, service, true) != PAM_ADMITS)
		return false;
	l->why = arena_printf(l->arena, "PAM has nothing that checks /etc/shadow for %s", service);
	return checks;
}
