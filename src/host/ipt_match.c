/* SPDX-License-Identifier: Apache-2.0 */
/* See iptables-save(8) and iptables-extensions(8). */
#include "host/ipt_match.h"

#include "base/num.h"

/* Whether a packet meets a condition. */
enum match { NO, MAYBE, YES };

/* "22,1024:65535": one of them more than half of all. */
static bool is_most_ports(struct str value)
{
	struct str range, first;
	uint64_t from, to;

	while (str_cut(&value, ',', &range))
		if (str_has_char(range, ':') && str_cut(&range, ':', &first) &&
			num_u64(first, 0, 65535, &from) == 0 && num_u64(range, 0, 65535, &to) == 0 &&
			to > from + 32768)
			return true;
	return false;
}

/* An option of a rule and its value, as one of the packets sees it. */
static enum match try_option(const struct fw_ruleset *set, struct str option, struct str value,
							 bool negated, enum fw_packet p)
{
	bool met;

	if (str_is(option, "-m") || str_is(option, "--comment") || str_starts(option, "--limit"))
		return YES;
	if (str_is(option, "-i") && fw_is_spoofed(p) && !str_is(value, "lo"))
		return MAYBE;
	if (str_is(option, "-p"))
		met = str_is(value, fw_protocol(p)) || str_is(value, "all");
	else if (str_is(option, "-i") || str_is(option, "-o"))
		met = fw_interface(set, p, value, str_is(option, "-i"));
	else if (str_is(option, "--ctstate") || str_is(option, "--state"))
		met = str_has(value, "NEW");
	else if (str_is(option, "--dst-type"))
		met = str_is(value, "LOCAL");
	else if ((str_is(option, "--dport") || str_is(option, "--dports")) && !fw_is_spoofed(p) &&
			 is_most_ports(value))
		met = true;
	else if (str_is(option, "--tcp-flags"))
		met = str_is(value, "SYN");
	else if (str_is(option, "-s") && fw_is_spoofed(p))
		met = str_is(value, "127.0.0.0/8") || str_is(value, "127.0.0.1/32") ||
			  str_is(value, "::1/128") || str_ends(value, "/0");
	else
		return negated || fw_is_spoofed(p) ? MAYBE : NO;
	return met != negated ? YES : NO;
}

static void set_target(struct fw_effect *effect, struct str option, struct str target)
{
	static const struct {
		const char *name;
		enum fw_verdict verdict;
	} targets[] = {
		{"ACCEPT", FW_ACCEPT}, {"DROP", FW_DENY},    {"REJECT", FW_DENY},
		{"RETURN", FW_RETURN}, {"LOG", FW_CONTINUE},
	};

	effect->verdict = str_is(option, "-g") ? FW_GOTO : FW_JUMP;
	effect->target = target;
	for (size_t i = 0; i < ARRAY_LEN(targets); i++)
		if (str_is(target, targets[i].name))
			effect->verdict = targets[i].verdict;
}

bool ipt_value(struct str *line, struct str *ret)
{
	*line = str_trim(*line);
	if (!str_skip(line, "\""))
		return str_word(line, ret);
	while (line->n && line->p[0] != '"') {
		size_t step = line->p[0] == '\\' && line->n > 1 ? 2 : 1;

		line->p += step;
		line->n -= step;
	}
	(void)str_skip(line, "\"");
	*ret = STR("");
	return true;
}

/* "-i lo -m conntrack --ctstate NEW -j ACCEPT": what is behind the target are its own options. */
struct fw_effect ipt_effect(const struct fw_ruleset *set, struct str line, enum fw_packet p)
{
	struct fw_effect effect = {.verdict = FW_CONTINUE}, none = effect;
	struct str option, value;

	while (str_word(&line, &option)) {
		bool negated = str_is(option, "!");
		enum match m;

		if ((negated && !str_word(&line, &option)) || !ipt_value(&line, &value))
			return none;
		if (str_is(option, "-j") || str_is(option, "-g")) {
			set_target(&effect, option, value);
			return effect;
		}
		if (str_is(option, "--tcp-flags")) /* behind which of them to look at */
			(void)ipt_value(&line, &value);
		if (str_is(option, "--match-set")) /* "src" or "dst" */
			(void)ipt_value(&line, &option);
		m = try_option(set, option, value, negated, p);
		if (m == NO)
			return none;
		effect.maybe = effect.maybe || m == MAYBE;
		effect.limited = effect.limited || str_is(option, "--limit");
	}
	return none;
}
