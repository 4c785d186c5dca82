/* SPDX-License-Identifier: Apache-2.0 */
/* The packet filter as a whole: what it does by default, who manages it, whether it comes back. */
#include "host/table.h"

#include "host/conf.h"
#include "host/edit.h"
#include "host/fw_saved.h"
#include "host/glob.h"
#include "host/netfilter.h"
#include "host/nft_saved.h"
#include "host/nft_table.h"
#include "host/procs.h"
#include "host/site_firewall.h"
#include "host/unitfile.h"

enum {
	BACKEND, MANAGED_BY, ACTIVE, INPUT_POLICY, INPUT_POLICY_IPV6, FORWARD_POLICY,
	FORWARD_POLICY_IPV6, OUTPUT_POLICY, DEFAULT_DENY_INPUT, DEFAULT_DENY_INPUT_IPV6,
	DEFAULT_DENY_FORWARD, DEFAULT_DENY_FORWARD_IPV6, DEFAULT_DENY_OUTPUT, DEFAULT_DENY_OUTPUT_IPV6,
	LOOPBACK_ACCEPTED, LOOPBACK_GUARDED, RULES, BOTH_KINDS, UFW_ENABLED, FIREWALLD_RUNNING, PERSISTED,
	AS_SAVED, UNSAVED, AS_SITE, AS_SITE_AT_BOOT, SITE_RULESET,
};

static const struct column columns[] = {
	[BACKEND] = {"backend", TYPE_STRING, "nftables, iptables-legacy or none", COLUMN_LABEL},
	[MANAGED_BY] = {"managed_by", TYPE_STRING,
					"ufw, firewalld, left over by firewalld (its table, though it does not run), "
					"nftables.service, iptables-persistent, docker or none",
					COLUMN_LABEL},
	[ACTIVE] = {"active", TYPE_BOOL, "A chain for input has rules or a policy of drop",
				COLUMN_SETTABLE},
	[INPUT_POLICY] = {"input_policy", TYPE_STRING,
					  "drop, if any chain there has it; absent: no chain, so all is accepted", 0},
	[INPUT_POLICY_IPV6] = {"input_policy_ipv6", TYPE_STRING, "The same for IPv6", 0},
	[FORWARD_POLICY] = {"forward_policy", TYPE_STRING, "The same for what is routed", 0},
	[FORWARD_POLICY_IPV6] = {"forward_policy_ipv6", TYPE_STRING, "The same for IPv6", 0},
	[OUTPUT_POLICY] = {"output_policy", TYPE_STRING, "The same for what leaves", 0},
	[DEFAULT_DENY_INPUT] = {"default_deny_input", TYPE_BOOL,
							"What no rule is about, a new TCP connection or UDP datagram over IPv4, is "
							"dropped or rejected, be it by policy or by the last rule",
							COLUMN_SETTABLE},
	[DEFAULT_DENY_INPUT_IPV6] = {"default_deny_input_ipv6", TYPE_BOOL, "The same over IPv6",
								 COLUMN_SETTABLE},
	[DEFAULT_DENY_FORWARD] = {"default_deny_forward", TYPE_BOOL,
							  "The same for a TCP connection that is routed from the default route's "
							  "interface to a network behind this host",
							  0},
	[DEFAULT_DENY_FORWARD_IPV6] = {"default_deny_forward_ipv6", TYPE_BOOL, "The same over IPv6", 0},
	[DEFAULT_DENY_OUTPUT] = {"default_deny_output", TYPE_BOOL,
							 "The same for one that leaves by that interface", 0},
	[DEFAULT_DENY_OUTPUT_IPV6] = {"default_deny_output_ipv6", TYPE_BOOL, "The same over IPv6", 0},
	[LOOPBACK_ACCEPTED] = {"loopback_accepted", TYPE_BOOL,
						   "A new TCP connection over lo gets through, also past a rate", 0},
	[LOOPBACK_GUARDED] = {"loopback_guarded", TYPE_BOOL,
						  "What says that it is from a loopback address, and does not come in over lo, is "
						  "dropped whatever port it is for, over IPv4 and IPv6",
						  COLUMN_SETTABLE},
	[RULES] = {"rules", TYPE_INT, "In all chains", 0},
	[BOTH_KINDS] = {"both_kinds", TYPE_BOOL,
					"Rules of iptables-legacy, or policies of it that drop, are in force beside rules of "
					"nftables (which iptables-nft makes, too)",
					0},
	[UFW_ENABLED] = {"ufw_enabled", TYPE_BOOL, "ENABLED=yes in /etc/ufw/ufw.conf", 0},
	[FIREWALLD_RUNNING] = {"firewalld_running", TYPE_BOOL, "A process of firewalld is there", 0},
	[PERSISTED] = {"persisted", TYPE_BOOL,
				   "The boot loads rules: a service that does is enabled, and has some to load that "
				   "refuse anything, for IPv6 as well where that is refused now; where those in force "
				   "only accept, any to load",
				   COLUMN_SETTABLE},
	[AS_SAVED] = {"as_saved", TYPE_BOOL,
				  "What is in force is what nftables.service loads at boot, tables apart of programs that "
				  "make theirs when they start (Docker, Podman, fail2ban and others), sets that packets "
				  "or time change, and comments; absent: that service loads nothing",
				  0},
	[UNSAVED] = {"unsaved", TYPE_LIST,
				 "Where the two differ, or why the boot loads nothing of its file; absent: nowhere", 0},
	[AS_SITE] = {"as_site", TYPE_BOOL,
				 "The table inet revet is in force as the site file asks for it; absent: that does not "
				 "say who is served",
				 COLUMN_SETTABLE},
	[AS_SITE_AT_BOOT] = {"as_site_at_boot", TYPE_BOOL, "The boot loads it so", COLUMN_SETTABLE},
	[SITE_RULESET] = {"site_ruleset", TYPE_STRING, "That table, as nft(8) takes it", 0},
	{0},
};

#define UFW_CONF "/etc/ufw/ufw.conf"

/* What is configured, known of a tree as well. */
struct configured {
	bool ufw, firewalld, firewalld_known, firewalld_table;
	bool ufw_service, firewalld_service, nftables_service, persistent_service, iptables_service;
	const char *no_services; /* why it is not known what the boot starts; NULL: it is */
	const struct unit_file *nftables; /* systemd's; NULL: OpenRC starts it */
	struct from ufw_from;
};

/* --- configuration --------------------------------------------------------------------------- */

static void read_ufw(struct host *host, struct rows *rows, struct configured *c)
{
	struct conf conf = {0};
	struct err err = {0};
	const struct conf_item *item;
	int r = conf_read(host, rows->arena, UFW_CONF, CONF_EQUALS, &conf, &err);

	if (r < 0 && r != -ENOENT)
		rows_gap(rows, "%s", err.msg);
	item = conf_last(&conf, NULL, "ENABLED");
	if (!item)
		return;
	c->ufw = str_is_nocase(item->value, "yes");
	c->ufw_from = FROM(item->file, item->line);
}

static void read_firewalld(struct host *host, struct rows *rows, const struct fw_ruleset *set,
						   struct configured *c)
{
	struct procs procs;
	struct err err = {0};

	c->firewalld_table = set && set->firewalld;
	if (procs_read(host, rows->arena, &procs, &err) < 0)
		return;
	for (size_t i = 0; i < procs.n; i++)
		c->firewalld = c->firewalld || str_is(procs.p[i].name, "firewalld");
	c->firewalld_known = c->firewalld || !procs.gap;
}

static bool is_there(struct host *host, const char *path)
{
	struct path_stat st;
	struct err err = {0};

	return host_stat(host, path, true, &st, &err) == 0;
}

/* OpenRC: a link in a runlevel starts the service. */
static bool openrc_starts(struct host *host, struct arena *a, const char *service)
{
	struct str *paths;
	struct err err = {0};
	size_t n;

	return host_glob(host, a, str_of(arena_printf(a, "/etc/runlevels/*/%s", service)), &paths, &n,
					 &err) == 0 &&
		   n;
}

static void read_services(struct host *host, struct rows *rows, struct configured *c)
{
	static const char *const names[] = {"ufw.service",      "firewalld.service",
										"nftables.service", "netfilter-persistent.service",
										"iptables.service", NULL};
	static const char *const in_openrc[] = {"ufw", "firewalld", "nftables", NULL, "iptables"};
	bool *const starts[] = {&c->ufw_service, &c->firewalld_service, &c->nftables_service,
							&c->persistent_service, &c->iptables_service};
	bool openrc = is_there(host, "/etc/runlevels");
	struct unit_files files;

	unitfiles_read(host, rows->arena, names, &files);
	if (files.gap)
		rows_gap(rows, "%s", files.gap);
	c->no_services = files.gap;
	c->nftables = unitfiles_find(&files, STR("nftables.service"));
	for (size_t i = 0; names[i]; i++)
		*starts[i] = unitfile_starts(unitfiles_find(&files, str_of(names[i]))) ||
					 (openrc && in_openrc[i] && openrc_starts(host, rows->arena, in_openrc[i]));
	if (!openrc && !is_there(host, "/usr/lib/systemd/system") &&
		!is_there(host, "/lib/systemd/system") && !is_there(host, "/etc/systemd/system"))
		c->no_services = "neither systemd nor OpenRC decides what the boot starts";
}

/* Is the line of a ruleset more than a table or chain without rules? */
static bool is_rule(struct str line)
{
	static const char *const nothing[] = {"flush ", "table ", "chain ", "type ", "}", "*", ":", "COMMIT"};

	for (size_t i = 0; i < ARRAY_LEN(nothing); i++)
		if (str_starts(line, nothing[i]))
			return false;
	return true;
}

static bool may_refuse(struct str line)
{
	static const char *const words[] = {"drop", "reject", "DROP", "REJECT"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_has(line, words[i]))
			return true;
	return str_starts(line, "include ");
}

/* Debian's nftables.conf is there from the start, with three chains that have no rules; and where what
 * is in force refuses something, a file that only accepts is not it. *ret_why is set when it is not
 * known. */
static bool loads_rules(struct host *host, struct arena *a, const char *path, bool refuses,
						const char **ret_why)
{
	struct str text, line;
	struct err err = {0};
	int r = host_read(host, path, a, &text, &err);

	if (r < 0 && r != -ENOENT && r != -ENOTDIR)
		*ret_why = arena_strdup(a, err.msg);
	while (r == 0 && str_line(&text, &line)) {
		struct str trimmed = str_trim(line);

		if (trimmed.n && trimmed.p[0] != '#' && (refuses ? may_refuse(trimmed) : is_rule(trimmed)))
			return true;
	}
	return false;
}

static void set_persisted(struct host *host, struct arena *a, struct row *row,
						  const struct configured *c, const struct fw_ruleset *set, bool broken)
{
	bool nftables = c->nftables_service && !broken;
	/* What a service loads: on Debian, the RHEL family, Arch and Alpine. */
	const struct {
		bool service;
		const char *path, *path6;
	} files[] = {
		{nftables, "/etc/nftables.conf", NULL},
		{nftables, "/etc/sysconfig/nftables.conf", NULL},
		{nftables, "/etc/nftables.nft", NULL},
		{c->persistent_service, "/etc/iptables/rules.v4", "/etc/iptables/rules.v6"},
		{c->iptables_service, "/etc/sysconfig/iptables", "/etc/sysconfig/ip6tables"},
		{c->iptables_service, "/etc/iptables/iptables.rules", "/etc/iptables/ip6tables.rules"},
		{c->iptables_service, "/etc/iptables/rules-save", "/etc/iptables/rules6-save"},
	};
	bool refuses = !set || set->refuses, v6 = set && fw_judge(set, "input", FW_V6) == FW_DENY;
	const char *why = c->no_services;
	bool persisted = (c->ufw && c->ufw_service) || c->firewalld_service;

	for (size_t i = 0; !persisted && i < ARRAY_LEN(files); i++)
		persisted = files[i].service && loads_rules(host, a, files[i].path, refuses, &why) &&
					(!v6 || !files[i].path6 || loads_rules(host, a, files[i].path6, refuses, &why));
	if (!persisted && why)
		row_unknown(row, PERSISTED, why);
	else
		row_bool(row, PERSISTED, persisted);
}

/* True when the boot loads nothing of the file that it is to load. unknown: why what is in force is not
 * known; NULL: it is. */
static bool set_saved(struct host *host, struct arena *a, struct row *row, const struct configured *c,
					  const char *unknown)
{
	struct fw_saved saved = {.unknown = c->no_services ? c->no_services : unknown};

	if (!c->nftables_service && !c->no_services)
		return false;
	if (!saved.unknown)
		fw_saved_read(host, a, c->nftables, &saved);
	if (saved.broken) {
		*vec_push(a, &saved.differences) = str_of(saved.broken);
	} else if (saved.unknown) {
		row_unknown(row, AS_SAVED, saved.unknown);
	} else {
		row_bool(row, AS_SAVED, !saved.differences.n);
		row_from(row, AS_SAVED, saved.from);
	}
	if (saved.differences.n && !saved.unknown) {
		row_list(row, UNSAVED, saved.differences.p, saved.differences.n);
		row_from(row, UNSAVED, saved.from);
	}
	return saved.broken;
}

#define LEFT_OVER "left over by firewalld"

static const char *manager(const struct configured *c, const struct fw_ruleset *set)
{
	if (c->ufw)
		return "ufw";
	if (c->firewalld || (c->firewalld_table && !c->firewalld_known))
		return "firewalld";
	if (c->firewalld_table)
		return LEFT_OVER;
	if (c->nftables_service)
		return "nftables.service";
	if (c->persistent_service)
		return "iptables-persistent";
	if (c->iptables_service)
		return "iptables.service";
	return set && set->docker ? "docker" : "none";
}

/* --- the kernel ------------------------------------------------------------------------------ */

/* Both packets are refused, unless a condition that is not known lets them in. */
static void set_deny(struct row *row, int column, const struct fw_ruleset *set, const char *hook,
					 enum fw_packet one, enum fw_packet other)
{
	bool deny = fw_judge(set, hook, one) == FW_DENY && fw_judge(set, hook, other) == FW_DENY;

	const char *doubt = fw_doubt(set, hook, one);

	doubt = doubt ? doubt : fw_doubt(set, hook, other);
	if (deny && doubt)
		row_unknown(row, column, doubt);
	else
		row_bool(row, column, deny);
}

static bool drops_spoofed(const struct fw_ruleset *set, enum fw_packet packet)
{
	static const char *const hooks[] = {"prerouting", "input"};
	bool drops = false;

	for (size_t i = 0; i < ARRAY_LEN(hooks); i++)
		drops = drops || (fw_judge(set, hooks[i], packet) == FW_DENY && !fw_doubt(set, hooks[i], packet));
	return drops;
}

static void set_ruleset(struct row *row, const struct fw_ruleset *set)
{
	row_strz(row, BACKEND, set->backend);
	row_bool(row, ACTIVE, fw_is_active(set, "input"));
	row_strz(row, INPUT_POLICY, fw_policy(set, "input", false));
	row_strz(row, INPUT_POLICY_IPV6, fw_policy(set, "input", true));
	row_strz(row, FORWARD_POLICY, fw_policy(set, "forward", false));
	row_strz(row, FORWARD_POLICY_IPV6, fw_policy(set, "forward", true));
	row_strz(row, OUTPUT_POLICY, fw_policy(set, "output", false));
	set_deny(row, DEFAULT_DENY_INPUT, set, "input", FW_V4, FW_V4_UDP);
	set_deny(row, DEFAULT_DENY_INPUT_IPV6, set, "input", FW_V6, FW_V6_UDP);
	set_deny(row, DEFAULT_DENY_FORWARD, set, "forward", FW_V4_FORWARD, FW_V4_FORWARD);
	set_deny(row, DEFAULT_DENY_FORWARD_IPV6, set, "forward", FW_V6_FORWARD, FW_V6_FORWARD);
	set_deny(row, DEFAULT_DENY_OUTPUT, set, "output", FW_V4_OUTPUT, FW_V4_OUTPUT);
	set_deny(row, DEFAULT_DENY_OUTPUT_IPV6, set, "output", FW_V6_OUTPUT, FW_V6_OUTPUT);
	row_bool(row, LOOPBACK_ACCEPTED,
			 fw_judge(set, "input", FW_V4_LOOPBACK) != FW_DENY &&
				 fw_judge(set, "input", FW_V6_LOOPBACK) != FW_DENY);
	row_bool(row, LOOPBACK_GUARDED, drops_spoofed(set, FW_V4_SPOOFED) && drops_spoofed(set, FW_V6_SPOOFED));
	row_int(row, RULES, (int64_t)set->n_rules);
	row_bool(row, BOTH_KINDS, set->legacy && set->n_rules > set->n_legacy_rules);
}

static void set_unknown(struct row *row, const char *why)
{
	static const int kernel[] = {BACKEND,
								 ACTIVE,
								 INPUT_POLICY,
								 INPUT_POLICY_IPV6,
								 FORWARD_POLICY,
								 FORWARD_POLICY_IPV6,
								 OUTPUT_POLICY,
								 DEFAULT_DENY_INPUT,
								 DEFAULT_DENY_INPUT_IPV6,
								 DEFAULT_DENY_FORWARD,
								 DEFAULT_DENY_FORWARD_IPV6,
								 DEFAULT_DENY_OUTPUT,
								 DEFAULT_DENY_OUTPUT_IPV6,
								 LOOPBACK_ACCEPTED,
								 LOOPBACK_GUARDED,
								 RULES,
								 BOTH_KINDS};

	for (size_t i = 0; i < ARRAY_LEN(kernel); i++)
		row_unknown(row, kernel[i], why);
}

/* unknown: why what is in force is not known; NULL: it is. nft says of a table that it may not list, as
 * of one that is not there, just that it failed. */
static void set_site(struct host *host, struct arena *a, struct row *row, const char *unknown)
{
	struct site_firewall site;

	site_firewall_read(host, a, &site);
	if (!site.wanted)
		return;
	if (site.unknown) {
		row_unknown(row, AS_SITE, site.unknown);
		row_unknown(row, AS_SITE_AT_BOOT, site.unknown);
		row_unknown(row, SITE_RULESET, site.unknown);
		return;
	}
	if (!site.in_force && unknown)
		row_unknown(row, AS_SITE, unknown);
	else
		row_bool(row, AS_SITE, site.in_force);
	row_bool(row, AS_SITE_AT_BOOT, site.at_boot);
	row_str(row, SITE_RULESET, site.text);
	row_from(row, AS_SITE, FROM(SITE_FILE, 0));
	row_from(row, SITE_RULESET, FROM(SITE_FILE, 0));
	row_from(row, AS_SITE_AT_BOOT, FROM(SITE_FILE, 0));
}

static int read_firewall(struct host *host, struct rows *rows, struct err *err)
{
	struct configured c = {0};
	struct fw_ruleset set;
	bool known = netfilter_read(host, rows->arena, &set, err) == 0, broken;
	const char *why = known ? NULL : arena_strdup(rows->arena, err->msg);
	struct row *row = rows_add(rows, FROM("nft list ruleset", 0));

	read_ufw(host, rows, &c);
	read_firewalld(host, rows, known ? &set : NULL, &c);
	read_services(host, rows, &c);
	if (known)
		set_ruleset(row, &set);
	else
		set_unknown(row, why);
	row_strz(row, MANAGED_BY, manager(&c, known ? &set : NULL));
	row_bool(row, UFW_ENABLED, c.ufw);
	if (c.ufw_from.path)
		row_from(row, UFW_ENABLED, c.ufw_from);
	if (c.firewalld_known)
		row_bool(row, FIREWALLD_RUNNING, c.firewalld);
	else
		row_unknown(row, FIREWALLD_RUNNING, "the processes are not known");
	broken = set_saved(host, rows->arena, row, &c, why);
	set_persisted(host, rows->arena, row, &c, known ? &set : NULL, broken);
	set_site(host, rows->arena, row, why);
	return 0;
}

/* --- changing -------------------------------------------------------------------------------- */

/* In front of all that tracks or translates. The second of each pair is for hosts that route to
 * loopback addresses (route_localnet, as container engines set it), CVE-2020-8558. */
#define GUARD "inet revet_loopback"
#define GUARD_TEXT                                                                                   \
	"table " GUARD " {\n"                                                                           \
	"\tchain prerouting {\n"                                                                        \
	"\t\ttype filter hook prerouting priority raw; policy accept;\n"                                \
	"\t\tiif != \"lo\" ip saddr 127.0.0.0/8 counter drop\n"                                         \
	"\t\tiif != \"lo\" ip daddr 127.0.0.0/8 counter drop\n"                                         \
	"\t\tiif != \"lo\" ip6 saddr ::1 counter drop\n"                                                \
	"\t\tiif != \"lo\" ip6 daddr ::1 counter drop\n"                                                \
	"\t}\n"                                                                                         \
	"}"

static int set_guard(struct host *host, struct edits *edits, struct err *err)
{
	struct err ignored = {0};
	struct str present;

	if (host_run(host, &netfilter_own, edits->arena, &present, &ignored) < 0 || !str_trim(present).n)
		present = STR_ABSENT;
	return nft_table_edit(host, edits, GUARD, present.p ? str_trim(present) : present, STR(GUARD_TEXT),
						  err);
}

/* The site's filter takes the place of what another tool makes, but only once that is out of the way: each
 * would refuse what the other admits, and some flush the other's. */
static int refuse_manager(struct str manager, bool site, struct err *err)
{
	static const struct {
		const char *manager, *advice;
	} ends[] = {
		{"ufw", "ufw disable"},
		{"firewalld", "systemctl disable --now firewalld"},
		{"iptables-persistent", "systemctl disable netfilter-persistent"},
		{"iptables.service", "systemctl disable iptables"},
	};

	/* As when it is stopped while it starts. */
	if (str_is(manager, LEFT_OVER))
		return err_set(err, ENOTSUP,
					   "firewalld is not running, and its table still filters: nft delete table inet "
					   "firewalld, and apply this one at once");
	for (size_t i = 0; site && i < ARRAY_LEN(ends); i++)
		if (str_is(manager, ends[i].manager))
			return err_set(err, ENOTSUP,
						   "%s manages the packet filter, and two filters would contradict each other: "
						   "%s, and apply this one at once; or have %s admit what the site serves",
						   ends[i].manager, ends[i].advice, ends[i].manager);
	return err_set(err, ENOTSUP, "%.*s manages the packet filter: it is to be told there",
				   STR_ARG(manager));
}

/* Docker's rules stay, in tables of its own; a packet has to get through those and these. */
static int set_firewall(struct host *host, const struct wish *wish, struct edits *edits, struct err *err)
{
	struct str manager = wish->row ? wish->row->cells[MANAGED_BY].string : STR_ABSENT;
	bool site = wish->column == AS_SITE || wish->column == AS_SITE_AT_BOOT;

	if (!wish->row || (!site && wish->column != LOOPBACK_GUARDED))
		return err_set(err, ENOTSUP, "what is let in is for a person to say");
	if (!str_is(manager, "nftables.service") && !str_is(manager, "none") &&
		!(site && str_is(manager, "docker")))
		return refuse_manager(manager, site, err);
	return site ? site_firewall_edit(host, edits, err) : set_guard(host, edits, err);
}

static void early(struct host *host)
{
	procs_early(host);
	netfilter_early(host);
	nft_saved_early(host);
}

static const struct table firewall = {
	.name = "firewall",
	.doc = "The packet filter that is in force, and what loads it at boot",
	.columns = columns,
	.read = read_firewall,
	.set = set_firewall,
	.early = early,
	.helpers = netfilter_helpers,
	.fix = "load and persist an nftables ruleset",
	.cost = 20,
};
TABLE(firewall);
