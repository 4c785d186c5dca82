/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts: what shadow(5) says of them, and what PAM does. */
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>

#include "base/num.h"
#include "change/login.h"
#include "host/library.h"
#include "host/pam_stack.h"

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

/* In a process of its own: modules are other people's code. */
bool login_pam_admits(struct login *l, const char *service, const char *user)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGALRM, SIG_DFL);
		alarm(10);
		_exit(ask_pam(service, user, l->peer));
	}
	l->why = arena_printf(l->arena, "PAM does not let it in (service %s)", service);
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool is_module_there(struct login *l, struct str module)
{
	const char *name = str_dup(l->arena, module);
	const char *pattern = name[0] == '/' ? name
										 : arena_printf(l->arena, "{/usr,}/lib{,64,/*}/security/%s", name);
	glob_t found = {0};
	bool there = glob(pattern, GLOB_BRACE | GLOB_NOSORT, NULL, &found) == 0;

	globfree(&found);
	return there;
}

bool login_pam_is_whole(struct login *l, const char *service)
{
	struct pam_stack stack;
	struct err ignored;
	bool any = false;

	l->why = arena_printf(l->arena, "the PAM stack of %s cannot be read", service);
	if (pam_read(l->host, l->arena, &stack, &ignored) < 0 || stack.gap)
		return false;
	for (size_t i = 0; i < stack.n; i++) {
		const struct pam_line *line = &stack.lines[i];

		if (!str_is(line->service, service) || !str_is(line->type, "auth"))
			continue;
		any = true;
		if (line->note && str_starts(str_of(line->note), "with -"))
			continue;
		l->why = arena_printf(l->arena, "%s:%u: PAM cannot load it", line->file, line->line);
		if (line->note || !is_module_there(l, line->module))
			return false;
	}
	l->why = arena_printf(l->arena, "PAM has nothing to authenticate %s with", service);
	return any;
}
