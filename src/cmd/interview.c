/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/interview.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "site/nets.h"
#include "site/text.h"

#define MAX_ANSWER 1024

/* --- asking ------------------------------------------------------------------------------------ */

static void say(const char *indent, const char *text)
{
	_cleanup_buf_ struct buf out = BUF(65536);

	buf_printable(&out, str_of(text));
	fprintf(stderr, "%s%s\n", indent, buf_get(&out).p);
}

/* The next line of the terminal without blanks around it; false at its end. */
static bool read_answer(struct arena *a, struct str *ret)
{
	char line[MAX_ANSWER], c;
	size_t n = 0;

	for (;;) {
		ssize_t r = read(STDIN_FILENO, &c, 1);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return false;
		if (c == '\n')
			break;
		if (n < sizeof(line))
			line[n++] = c;
	}
	*ret = str_trim((struct str){arena_copy(a, line, n), n});
	return true;
}

static bool ask(struct arena *a, const char *question, struct str *ret)
{
	fprintf(stderr, "  %s: ", question);
	fflush(stderr);
	if (read_answer(a, ret))
		return true;
	fputc('\n', stderr);
	return false;
}

static bool is_yes(struct str s)
{
	return !s.n || str_is_nocase(s, "y") || str_is_nocase(s, "yes");
}

static bool is_no(struct str s)
{
	return str_is(s, "-") || str_is_nocase(s, "n") || str_is_nocase(s, "no");
}

static bool ask_yes_or_no(struct interview *i, const char *question, bool *ret)
{
	struct str answer;

	for (;;) {
		if (!ask(i->arena, question, &answer))
			return false;
		*ret = is_yes(answer);
		if (*ret || is_no(answer))
			return true;
		say("    ", "that is neither; Ctrl-C ends this, and nothing is written");
	}
}

/* --- whom something is for --------------------------------------------------------------------- */

/* Letters, digits and what stands in addresses: whatever else was typed means nothing in the file. */
static bool is_plain(struct str word)
{
	for (size_t i = 0; i < word.n; i++)
		if (!((word.p[i] >= 'a' && word.p[i] <= 'z') || (word.p[i] >= 'A' && word.p[i] <= 'Z') ||
			  (word.p[i] >= '0' && word.p[i] <= '9') || (word.p[i] && strchr(".:/-_", word.p[i]))))
			return false;
	return true;
}

/* "lan, 10.0.0.7", "[lan 10.0.0.7]", "world" */
static bool parse_to(struct interview *i, struct str answer, struct seen_to *ret)
{
	char *text = arena_copy(i->arena, answer.p, answer.n);
	struct str rest = {text, answer.n}, word;

	*ret = (struct seen_to){0};
	for (size_t k = 0; k < answer.n; k++)
		if (strchr(",[]", text[k]))
			text[k] = ' ';
	while (str_word(&rest, &word)) {
		if (!is_plain(word))
			return false;
		*vec_push(i->arena, &ret->words) = word;
	}
	ret->world = ret->words.n == 1 && str_is(ret->words.p[0], "world");
	return ret->words.n > 0;
}

/* Behind "FILE:LINE:COLUMN: ", which is of a file that nobody has seen. */
static const char *message_of(const struct err *err)
{
	const char *colon = strstr(err->msg, ": ");

	return colon ? colon + 2 : err->msg;
}

/* Puts it where it belongs unless the file would not load with it. */
static bool try_to(struct interview *i, struct str answer, struct seen_to *to)
{
	struct seen_to typed, before = *to;
	struct err err = {0};

	if (!parse_to(i, answer, &typed)) {
		say("    ", "that is neither world, nor the name of a network, nor an address");
		return false;
	}
	*to = typed;
	if (i->check(i->data, i->seen, &err))
		return true;
	*to = before;
	say("    ", message_of(&err));
	return false;
}

/* --- the lines --------------------------------------------------------------------------------- */

static bool is_profile(const struct interview *i, struct str name)
{
	for (const char *const *p = i->profiles; *p; p++)
		if (str_is(name, *p))
			return true;
	return false;
}

static bool ask_profile(struct interview *i)
{
	struct str answer;

	fprintf(stderr, "\nprofile: %s\n", i->seen->profile);
	say("    ", i->seen->profile_evidence);
	for (;;) {
		if (!ask(i->arena, "Enter: so it is; or the name of another", &answer))
			return false;
		if (is_yes(answer))
			return true;
		if (is_profile(i, answer)) {
			i->seen->profile = str_dup(i->arena, answer);
			return true;
		}
		fputs("    there are:", stderr);
		for (const char *const *p = i->profiles; *p; p++)
			fprintf(stderr, " %s", *p);
		fputc('\n', stderr);
	}
}

static bool ask_admins(struct interview *i)
{
	vec_each(&i->seen->admins, admin)
	{
		bool yes;

		fprintf(stderr, "\nadmins: %.*s\n", STR_ARG(admin->name));
		say("    ", admin->evidence);
		if (!ask_yes_or_no(i, "Enter: administers this server; n: does not", &yes))
			return false;
		admin->left = !yes;
	}
	return true;
}

static void show_from(const struct interview *i)
{
	fputs("\nadmins from:\n", stderr);
	for (size_t k = 0; k < i->seen->from.n && k < 2 * SEEN_MANY; k++) {
		const struct seen_origin *o = &i->seen->from.p[k];
		_cleanup_buf_ struct buf line = BUF(65536);

		buf_printf(&line, "%.*s: %s", STR_ARG(o->word), o->evidence);
		say("    ", line.p);
	}
	if (i->seen->from_question)
		say("    ", i->seen->from_question);
}

/* The list that was typed, in place of what was seen. */
static void set_from(struct interview *i, const struct seen_to *to)
{
	i->seen->from.n = 0;
	i->seen->from_question = NULL;
	for (size_t k = 0; k < to->words.n; k++)
		*vec_push(i->arena, &i->seen->from) =
			(struct seen_origin){.word = to->words.p[k], .evidence = "as was answered"};
}

static bool try_from(struct interview *i, struct str answer)
{
	struct seen before = *i->seen;
	struct seen_to typed;
	struct err err = {0};

	if (!parse_to(i, answer, &typed)) {
		say("    ", "that is neither world, nor the name of a network, nor an address");
		return false;
	}
	before.from.p =
		(void *)arena_copy(i->arena, before.from.p, before.from.n * sizeof(*before.from.p));
	set_from(i, &typed);
	if (i->check(i->data, i->seen, &err) && !i->seen->from_question)
		return true;
	say("    ", err.msg[0] ? message_of(&err) : i->seen->from_question);
	*i->seen = before;
	return false;
}

/* Whom the file would name: without them it says nothing of where they come from either. */
static bool has_admins(struct seen *seen)
{
	vec_each(&seen->admins, admin) if (!admin->left) return true;
	return false;
}

static bool ask_from(struct interview *i)
{
	bool guessed = !i->seen->from_question;
	struct str answer;

	if (!has_admins(i->seen) || (i->seen->listeners_known && !i->seen->ssh))
		return true;
	show_from(i);
	for (;;) {
		if (!ask(i->arena,
				 guessed
					 ? "Enter: SSH is let in from there alone; -: from everywhere; or from where"
					 : "Enter: SSH is let in from everywhere; or from where",
				 &answer))
			return false;
		if (is_no(answer)) {
			i->seen->from_question = "It was left out.";
			return true;
		}
		if (is_yes(answer) || try_from(i, answer))
			return true;
	}
}

static bool ask_service(struct interview *i, struct seen_service *service)
{
	_cleanup_buf_ struct buf line = BUF(65536);
	struct str answer;

	site_text_service(&line, service);
	fprintf(stderr, "\nserves: %s\n", line.p);
	say("    ", service->evidence);
	if (service->question)
		say("    ", service->question);
	for (;;) {
		const char *question = service->question;

		if (!ask(i->arena,
				 question
					 ? "Enter: it is not served; or whom it is for (world, a network, an address)"
					 : "Enter: so it is; -: it is not served; or whom it is for",
				 &answer))
			return false;
		service->left = is_no(answer) || (question && !answer.n);
		if (service->left || (!question && is_yes(answer)))
			return true;
		service->question = NULL;
		if (try_to(i, answer, &service->to))
			return true;
		service->question = question;
	}
}

static bool ask_reaches(struct interview *i)
{
	vec_each(&i->seen->reaches, reach)
	{
		_cleanup_buf_ struct buf line = BUF(65536);
		bool yes;

		site_text_reach(&line, reach);
		fprintf(stderr, "\nreaches: %s\n", line.p);
		say("    ", reach->evidence);
		if (!ask_yes_or_no(i, "Enter: so it is; n: it should not", &yes))
			return false;
		reach->left = !yes;
	}
	return true;
}

bool interview(struct interview *i)
{
	bool yes = false;

	fputs("What is this server for? Guesses and what speaks for them; Ctrl-C: nothing is written.\n", stderr);
	for (size_t k = 0; k < i->seen->unknown.n; k++)
		say("  not seen: ", i->seen->unknown.p[k]);
	if (!ask_profile(i) || !ask_admins(i) || !ask_from(i))
		return false;
	vec_each(&i->seen->services, service) if (!ask_service(i, service)) return false;
	if (!ask_reaches(i))
		return false;
	fputc('\n', stderr);
	return ask_yes_or_no(i, arena_printf(i->arena, "Enter: write %s; n: write nothing", i->path),
						 &yes) &&
		   yes;
}
