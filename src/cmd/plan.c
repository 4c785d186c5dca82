/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>

#include "change/check.h"
#include "change/services.h"
#include "cmd/cmd.h"

#define MAX_PLAN ((size_t)64 << 20)

enum { OUTPUT, RULE, FAMILY, SEVERITY, PROFILE, SITE, SET, ROOT, FORMAT, LEFT, DETAILED };

static const struct option_doc options[] = {
	[OUTPUT] = {"output", 'o', "FILE", "keep the plan, for: revet apply FILE"},
	[RULE] = {"rule", 0, "ID", "only this rule; may be given several times"},
	[FAMILY] = {"family", 0, "NAME", "only the rules of this family; may be given several times"},
	[SEVERITY] = {"severity", 0, "NAME", "only rules of this severity or above"},
	[PROFILE] = {"profile", 0, "NAME", "the rules of this profile (of the site file, or server)"},
	[SITE] = {"site", 0, "FILE", "what this server is for (/etc/revet/site.yaml)"},
	[SET] = {"set", 0, "PARAMETER=VALUE", "override a rule's parameter for this run"},
	[ROOT] = {"root", 0, "DIR", "plan for the tree in DIR"},
	[FORMAT] = {"format", 'f', "FORMAT", "text (default) or json"},
	[LEFT] = {"left", 0, NULL, "show every rule that is left alone, with the whole reason"},
	[DETAILED] = {"detailed-exitcode", 0, NULL, "exit 2 when there is something to change"},
	{0},
};

/* What has to work afterwards. */
static void show_services(const struct place *place, const struct plan *plan, struct arena *a)
{
	_cleanup_buf_ struct buf text = BUF((size_t)1 << 20);
	struct services services;
	struct err err;

	if (services_look(place, plan, a, &services, &err) < 0) {
		printf("!!   cannot be applied: %s\n", err.msg);
		return;
	}
	buf_puts(&text, "then ");
	services_describe(&services, &text);
	buf_putc(&text, '\n');
	(void)put_stdout(&text);
}

/* What applying would check first, as it is now. It takes root, and the running system. */
static void show_checks(const struct plan *plan, struct arena *a)
{
	struct place place = {"/", open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), true};
	const char *evidence = NULL;
	struct str known = STR_ABSENT;
	struct err err;

	if (check_configurations(&place, plan, a, &known, &err) < 0)
		printf("!!   cannot be applied: %s\n", err.msg);
	else if (known.n)
		puts("!    something is wrong with /etc/fstab already; see: findmnt --verify");
	else
		puts("ok   the configurations that it touches are valid now");
	if (check_is_about_login(plan)) {
		if (check_admin(&place, plan, a, &evidence, &err) < 0)
			printf("!!   cannot be applied: %s\n", err.msg);
		else
			printf("ok   %s\n", evidence);
	}
	if (check_is_about_login(plan))
		puts("then sshd has to answer where this session came in, and offer what it is told to");
	show_services(&place, plan, a);
	close_fd(&place.root_fd);
}

static int show_json(const struct plan *plan)
{
	_cleanup_buf_ struct buf text = BUF(MAX_PLAN);

	(void)plan_write(plan, &text);
	return put_stdout(&text);
}

static int show_plan(const struct plan *plan, const struct given *g, struct arena *a)
{
	_cleanup_buf_ struct buf text = BUF(MAX_PLAN);
	const char *root = given_value(g, ROOT), *file = given_value(g, OUTPUT);
	bool whole = given_value(g, LEFT);
	int code;

	plan_print_steps(plan, &text);
	plan_print_left(plan, whole, &text);
	if (!whole && plan->left.n)
		buf_puts(&text, "  why each is left alone, and what to do by hand: revet plan --left, revet explain RULE\n");
	code = put_stdout(&text);
	if (code == 0 && plan->steps.n && !root && geteuid() == 0)
		show_checks(plan, a);
	buf_clear(&text);
	plan_print_sum(plan, &text);
	/* Without the file, applying would be of what the host is then, and of other rules perhaps. */
	if (plan->steps.n && file && geteuid() == 0)
		buf_printf(&text, "Nothing has been changed. Next: revet apply %s%s%s\n", file,
				   root ? " --root " : "", root ? root : "");
	else if (plan->steps.n && geteuid() != 0)
		buf_puts(&text, "Nothing has been changed. What only root can read is left alone, and changing takes root.\n"
						"Next: sudo revet plan -o FILE, then: sudo revet apply FILE\n");
	else if (plan->steps.n)
		buf_printf(&text, "Nothing has been changed. Next: the same with -o FILE, then: revet apply FILE%s%s\n",
				   root ? " --root " : "", root ? root : "");
	return code ? code : put_stdout(&text);
}

static int write_plan(struct output *o, const struct plan *plan)
{
	_cleanup_buf_ struct buf text = BUF(MAX_PLAN);

	if (plan_write(plan, &text) < 0)
		return fail(EXIT_CANNOT, "the plan is larger than 64 MiB");
	/* It holds what is in the files that it changes. */
	if (fchmod(o->fd, 0600) < 0)
		return fail(EXIT_CANNOT, "%s: %s", o->path, strerror(errno));
	return output_write(o, buf_get(&text));
}

static int run_plan(const struct given *g)
{
	_cleanup_arena_ struct arena arena = {0};
	const struct rule **rules = arena_new(&arena, const struct rule *, MAX_RULES);
	struct planning planning = {.root = given_value(g, ROOT), .rules = rules};
	const char *path = given_value(g, OUTPUT);
	struct output output = {.fd = -1};
	struct catalogue catalogue;
	struct plan plan = {0};
	bool json = false;
	const struct opening opening = {SET, PROFILE, SITE, planning.root != NULL};
	struct site site;
	int code = open_catalogue(&catalogue, &site, g, &opening);

	if (code == 0)
		code = parse_format(given_value(g, FORMAT), &json);
	if (code == 0)
		code = select_rules(g, &(struct selecting){FAMILY, RULE, SEVERITY}, &catalogue, rules,
							&planning.n);
	planning.params = &catalogue.language.params;
	planning.site = &site;
	planning.named = given_value(g, RULE) && !given_value(g, FAMILY);
	if (code == 0 && path)
		code = output_open(&output, path);
	if (code == 0)
		code = make_plan(&planning, &arena, &plan);
	if (code == 0 && path)
		code = write_plan(&output, &plan);
	code = output_end(&output, code);
	if (code == 0)
		code = json ? show_json(&plan) : show_plan(&plan, g, &arena);
	if (code == 0 && plan.steps.n && given_value(g, DETAILED))
		code = EXIT_FINDINGS;
	catalogue_done(&catalogue);
	return code;
}

static const struct command plan_command = {
	"plan", "", "what would be changed so that the rules pass; changes nothing", options,
	0, 0, run_plan};
COMMAND(plan_command);
