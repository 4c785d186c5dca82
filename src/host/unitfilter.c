/* SPDX-License-Identifier: Apache-2.0 */
#include "host/unitfilter.h"

#include <seccomp.h>
#include <sys/socket.h>

#include "base/num.h"

bool unitfilter_word(struct str *value, struct str *ret)
{
	struct str rest = str_trim(*value);
	const char *end;

	if (!rest.n || (rest.p[0] != '"' && rest.p[0] != '\''))
		return str_word(value, ret);
	end = memchr(rest.p + 1, rest.p[0], rest.n - 1);
	if (!end)
		return str_word(value, ret);
	*ret = (struct str){rest.p + 1, (size_t)(end - rest.p) - 1};
	*value = (struct str){end + 1, rest.n - ret->n - 2};
	return true;
}

/* --- system calls ----------------------------------------------------------------------------- */

#define MAX_ERRNO 4095 /* of the kernel */
#define LAST_NAMED 133 /* EHWPOISON */

/* What a forbidden call is answered with: a number, the name of one, or "kill". */
static bool is_answer(struct str s)
{
	uint64_t number;

	if (str_is(s, "kill") || num_u64(s, 0, MAX_ERRNO, &number) == 0)
		return true;
	for (int i = 1; i <= LAST_NAMED; i++) {
		const char *name = strerrorname_np(i);

		if (name && str_is(s, name))
			return true;
	}
	return false;
}

/* One word of an assignment. An allow-list that answers a call with an error does not allow it. */
static void add_call(struct call_filter *f, struct str word, bool invert)
{
	struct str answer = word, name;

	if (!str_cut(&answer, ':', &name) || (answer.p && (!invert || !is_answer(answer))))
		return;
	for (size_t i = 0; i < syscall_sets_count(); i++) {
		struct str set = name;

		if (str_skip(&set, "@") ? syscall_sets_has(i, set) : str_is(name, syscall_sets_name(i)))
			f->listed[i] = invert != f->allows;
	}
}

/* What @default adds to an allow-list is in none of the groups that are asked after. */
void unitfilter_calls(const struct unit_file *u, struct arena *a, struct call_filter *ret)
{
	struct unit_values values = unitfile_values(u, a, "Service", "SystemCallFilter");

	*ret = (struct call_filter){0};
	for (size_t i = 0; i < values.n; i++) {
		struct str value = values.items[i]->value, word;
		bool invert = str_skip(&value, "~");

		if (!i)
			ret->allows = !invert;
		while (str_word(&value, &word))
			add_call(ret, word, invert);
	}
}

bool unitfilter_lets(const struct call_filter *f, const char *set)
{
	for (size_t i = 0; i < syscall_sets_count(); i++)
		if (f->listed[i] == f->allows && syscall_sets_has(i, str_of(set)) &&
			seccomp_syscall_resolve_name(syscall_sets_name(i)) >= 0)
			return true;
	return false;
}

/* --- address families ------------------------------------------------------------------------- */

/* sys/socket.h; of those without a class only that they are families counts. */
#define FAMILIES(F)                                                                                \
	F(UNIX, UNIX)                                                                                  \
	F(LOCAL, UNIX)                                                                                 \
	F(FILE, UNIX)                                                                                  \
	F(INET, INET)                                                                                  \
	F(INET6, INET)                                                                                 \
	F(NETLINK, NETLINK)                                                                            \
	F(ROUTE, NETLINK)                                                                              \
	F(PACKET, PACKET)                                                                              \
	F(AX25, OTHER)                                                                                 \
	F(IPX, OTHER)                                                                                  \
	F(APPLETALK, OTHER)                                                                            \
	F(NETROM, OTHER)                                                                               \
	F(BRIDGE, OTHER)                                                                               \
	F(ATMPVC, OTHER)                                                                               \
	F(X25, OTHER)                                                                                  \
	F(ROSE, OTHER)                                                                                 \
	F(DECnet, OTHER)                                                                               \
	F(NETBEUI, OTHER)                                                                              \
	F(SECURITY, OTHER)                                                                             \
	F(KEY, OTHER)                                                                                  \
	F(ASH, OTHER)                                                                                  \
	F(ECONET, OTHER)                                                                               \
	F(ATMSVC, OTHER)                                                                               \
	F(RDS, OTHER)                                                                                  \
	F(SNA, OTHER)                                                                                  \
	F(IRDA, OTHER)                                                                                 \
	F(PPPOX, OTHER)                                                                                \
	F(WANPIPE, OTHER)                                                                              \
	F(LLC, OTHER)                                                                                  \
	F(IB, OTHER)                                                                                   \
	F(MPLS, OTHER)                                                                                 \
	F(CAN, OTHER)                                                                                  \
	F(TIPC, OTHER)                                                                                 \
	F(BLUETOOTH, OTHER)                                                                            \
	F(IUCV, OTHER)                                                                                 \
	F(RXRPC, OTHER)                                                                                \
	F(ISDN, OTHER)                                                                                 \
	F(PHONET, OTHER)                                                                               \
	F(IEEE802154, OTHER)                                                                           \
	F(CAIF, OTHER)                                                                                 \
	F(ALG, OTHER)                                                                                  \
	F(NFC, OTHER)                                                                                  \
	F(VSOCK, OTHER)                                                                                \
	F(KCM, OTHER)                                                                                  \
	F(QIPCRTR, OTHER)                                                                              \
	F(SMC, OTHER)                                                                                  \
	F(XDP, OTHER)                                                                                  \
	F(MCTP, OTHER)

static const struct family {
	const char *name;
	int number; /* below 64 */
	enum family_class class;
} families[] = {
#define FAMILY(name, class) {"AF_" #name, AF_##name, FAMILY_##class},
	FAMILIES(FAMILY)
#undef FAMILY
};

static uint64_t family_bit(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		if (str_is_nocase(name, families[i].name))
			return (uint64_t)1 << families[i].number;
	return 0;
}

struct family_list {
	bool allows, begun;
	uint64_t listed;
};

static void add_families(struct family_list *list, struct str value)
{
	struct str word;
	bool invert;

	if (str_is(value, "none")) {
		*list = (struct family_list){.allows = true};
		return;
	}
	invert = str_skip(&value, "~");
	if (!list->begun)
		list->allows = !invert;
	list->begun = true;
	while (unitfilter_word(&value, &word)) {
		if (invert != list->allows)
			list->listed |= family_bit(word);
		else
			list->listed &= ~family_bit(word);
	}
}

void unitfilter_families(const struct unit_file *u, struct arena *a, bool ret[N_FAMILIES])
{
	struct unit_values values = unitfile_values(u, a, "Service", "RestrictAddressFamilies");
	struct family_list list = {0};

	for (size_t i = 0; i < values.n; i++)
		add_families(&list, values.items[i]->value);
	for (size_t i = 0; i < N_FAMILIES; i++)
		ret[i] = !list.allows;
	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		if (list.listed >> families[i].number & 1)
			ret[families[i].class] = list.allows;
}
