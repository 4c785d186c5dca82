/* SPDX-License-Identifier: Apache-2.0 */
/* The operating system, in one row: which one, its kernel, what it runs on, and its support. */
#include <sys/utsname.h>

#include "base/buf.h"
#include "base/num.h"
#include "base/vec.h"
#include "host/table.h"

enum {
	ID,
	ID_LIKE,
	VERSION_ID,
	PRETTY_NAME,
	FAMILY,
	KERNEL,
	ARCH,
	HOSTNAME,
	INIT,
	VIRTUALIZATION,
	CONTAINER,
	REBOOT_REQUIRED,
	END_OF_LIFE,
	SUPPORTED,
};

static const struct column columns[] = {
	[ID] = {"id", TYPE_STRING, "ID of os-release(5): debian, ubuntu, almalinux", 0},
	[ID_LIKE] = {"id_like", TYPE_LIST, "Systems that it derives from", 0},
	[VERSION_ID] = {"version_id", TYPE_STRING, "12, 24.04; absent: a rolling release", 0},
	[PRETTY_NAME] = {"pretty_name", TYPE_STRING, "Name for people", COLUMN_LABEL},
	[FAMILY] = {"family", TYPE_STRING, "debian, rhel, suse, arch, alpine or other", 0},
	[KERNEL] = {"kernel", TYPE_STRING, "Release of the running kernel", 0},
	[ARCH] = {"arch", TYPE_STRING, "Machine as uname(1) names it", 0},
	[HOSTNAME] = {"hostname", TYPE_STRING, "Name of the host", 0},
	[INIT] = {"init", TYPE_STRING, "systemd, sysvinit, openrc, runit, or none", 0},
	[VIRTUALIZATION] = {"virtualization", TYPE_STRING,
						"What it runs in, as systemd-detect-virt(1) names it; none", 0},
	[CONTAINER] = {"container", TYPE_BOOL, "It is a container", 0},
	[REBOOT_REQUIRED] = {"reboot_required", TYPE_BOOL,
						 "An update waits for a reboot, or a newer kernel is installed", 0},
	[END_OF_LIFE] = {"end_of_life", TYPE_TIME,
					 "Day on which free security support ends, LTS included", 0},
	[SUPPORTED] = {"supported", TYPE_BOOL, "That day has not passed", 0},
	{0},
};

#define MAX_OS_RELEASE (1 << 20)

struct reader {
	struct host *host;
	struct arena *arena;
	struct row *row;
	struct str id, id_like, version_id;
	const char *why; /* the first file since this was last NULL that may or may not be there */
};

static void note(struct reader *r, int result, const struct err *err)
{
	if (result < 0 && result != -ENOENT && result != -ENOTDIR && !r->why)
		r->why = arena_strdup(r->arena, err->msg);
}

static bool exists(struct reader *r, const char *path)
{
	struct path_stat st;
	struct err err = {0};
	int result = host_stat(r->host, path, true, &st, &err);

	note(r, result, &err);
	return result == 0;
}

/* The file without white space around it; absent when it cannot be read. */
static struct str text_of(struct reader *r, const char *path)
{
	struct str text;
	struct err err = {0};
	int result = host_read(r->host, path, r->arena, &text, &err);

	note(r, result, &err);
	return result < 0 ? STR_ABSENT : str_trim(text);
}

static void set(struct reader *r, int column, struct str value, const char *from)
{
	row_str(r->row, column, value);
	row_from(r->row, column, FROM(from, 0));
}

static void set_offline(struct reader *r, int column)
{
	row_unknown(r->row, column, "offline");
}

/* --- os-release
 * ----------------------------------------------------------------------------------- */

/* A value in the shell's quotes; in double ones a backslash takes the next byte as it is. */
static struct str unquoted(struct arena *a, struct str s)
{
	char *p;
	size_t n = 0;
	bool escapes;

	if (s.n < 2 || (s.p[0] != '"' && s.p[0] != '\'') || s.p[s.n - 1] != s.p[0])
		return s;
	escapes = s.p[0] == '"';
	s = (struct str){s.p + 1, s.n - 2};
	p = arena_alloc(a, s.n + 1);
	for (size_t i = 0; i < s.n; i++) {
		if (escapes && s.p[i] == '\\' && i + 1 < s.n)
			i++;
		p[n++] = s.p[i];
	}
	return (struct str){p, n};
}

static void set_id_like(struct reader *r, struct str value, struct from from)
{
	VEC(struct str) names = {0};
	struct str word;

	r->id_like = value;
	while (str_word(&value, &word))
		*vec_push(r->arena, &names) = word;
	row_list(r->row, ID_LIKE, names.p, names.n);
	row_from(r->row, ID_LIKE, from);
}

static void read_assignment(struct reader *r, struct str line, struct from from)
{
	struct str name, value;

	line = str_trim(line);
	if (!line.n || line.p[0] == '#' || !str_cut(&line, '=', &name) || !line.p)
		return;
	value = unquoted(r->arena, line);
	if (str_is(name, "ID")) {
		r->id = value;
		row_str(r->row, ID, value);
		row_from(r->row, ID, from);
	} else if (str_is(name, "VERSION_ID")) {
		r->version_id = value;
		row_str(r->row, VERSION_ID, value);
		row_from(r->row, VERSION_ID, from);
	} else if (str_is(name, "PRETTY_NAME")) {
		row_str(r->row, PRETTY_NAME, value);
		row_from(r->row, PRETTY_NAME, from);
	} else if (str_is(name, "ID_LIKE")) {
		set_id_like(r, value, from);
	}
}

static const char *family_of(struct str id)
{
	static const struct {
		const char *id, *family;
	} families[] = {
		{"debian", "debian"},      {"ubuntu", "debian"}, {"rhel", "rhel"},
		{"fedora", "rhel"},        {"centos", "rhel"},   {"almalinux", "rhel"},
		{"rocky", "rhel"},         {"ol", "rhel"},       {"amzn", "rhel"},
		{"suse", "suse"},          {"sles", "suse"},     {"opensuse", "suse"},
		{"opensuse-leap", "suse"}, {"arch", "arch"},     {"alpine", "alpine"},
	};

	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		if (str_is(id, families[i].id))
			return families[i].family;
	return NULL;
}

static void set_family(struct reader *r)
{
	struct str like = r->id_like, word;
	const char *family = family_of(r->id);

	while (!family && str_word(&like, &word))
		family = family_of(word);
	row_strz(r->row, FAMILY, family ? family : "other");
}

static int read_os_release(struct reader *r, struct err *err)
{
	const char *path = "/etc/os-release";
	struct str text, line;
	int result = host_read(r->host, path, r->arena, &text, err);

	if (result == -ENOENT) {
		path = "/usr/lib/os-release";
		result = host_read(r->host, path, r->arena, &text, err);
	}
	if (result == 0 && text.n > MAX_OS_RELEASE)
		result = err_errno(err, EFBIG, "%s", path);
	if (result < 0) {
		for (int column = ID; column <= FAMILY; column++)
			row_unknown(r->row, column, arena_strdup(r->arena, err->msg));
		return result;
	}
	r->row->from = FROM(path, 0);
	for (unsigned n = 1; str_line(&text, &line); n++)
		read_assignment(r, line, FROM(path, n));
	if (!r->id.p)
		row_strz(r->row, ID, "linux"); /* os-release(5) */
	set_family(r);
	return 0;
}

/* --- support
 * ---------------------------------------------------------------------------------------- */

/* Where no distro-info-data is installed, and for systems that it does not know.
 * debian: wiki.debian.org/LTS; ubuntu: ubuntu.com/about/release-cycle, standard support;
 * almalinux: wiki.almalinux.org/release-notes; rocky: wiki.rockylinux.org/rocky/version. */
static const struct {
	const char *id, *version, *day;
} support[] = {
	{"debian", "9", "2022-06-30"},     {"debian", "10", "2024-06-30"},
	{"debian", "11", "2026-08-31"},    {"debian", "12", "2028-06-30"},
	{"debian", "13", "2030-06-30"},    {"ubuntu", "18.04", "2023-05-31"},
	{"ubuntu", "20.04", "2025-05-29"}, {"ubuntu", "22.04", "2027-06-01"},
	{"ubuntu", "24.04", "2029-05-31"}, {"almalinux", "8", "2029-03-01"},
	{"almalinux", "9", "2032-05-31"},  {"almalinux", "10", "2035-05-31"},
	{"rocky", "8", "2029-05-31"},      {"rocky", "9", "2032-05-31"},
	{"rocky", "10", "2035-05-31"},
};

static void set_end(struct reader *r, struct str day, struct from from)
{
	int64_t seconds;

	if (num_time(day, &seconds) < 0)
		return;
	row_int(r->row, END_OF_LIFE, seconds);
	row_from(r->row, END_OF_LIFE, from);
}

static struct str field(struct str line, unsigned n)
{
	struct str value = STR_ABSENT;

	for (unsigned i = 0; i <= n; i++)
		if (!str_cut(&line, ',', &value))
			return STR_ABSENT;
	return value;
}

/* A line of distro-info: version,codename,series,created,release,eol,eol-lts (Ubuntu: eol-server).
 * Longer support than that is paid for. Ubuntu's versions read "22.04 LTS". */
static bool read_distro_info(struct reader *r, const char *path)
{
	struct str text = text_of(r, path), line, version, word, end;

	for (unsigned n = 1; str_line(&text, &line); n++) {
		version = field(line, 0);
		if (!str_word(&version, &word) || !str_eq(word, r->version_id))
			continue;
		end = field(line, 6).n ? field(line, 6) : field(line, 5);
		set_end(r, end, FROM(path, n));
		return r->row->cells[END_OF_LIFE].state == VALUE_SET;
	}
	return false;
}

static void read_support(struct reader *r)
{
	struct str major = r->version_id, version = r->version_id;

	if (!str_is(r->id, "debian") && !str_is(r->id, "ubuntu")) {
		str_cut(&major, '.', &version);
	} else if (read_distro_info(r, str_is(r->id, "debian") ? "/usr/share/distro-info/debian.csv"
														   : "/usr/share/distro-info/ubuntu.csv")) {
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(support); i++)
		if (str_is(r->id, support[i].id) && str_is(version, support[i].version))
			set_end(r, str_of(support[i].day), FROM("revet's own table", 0));
	if (r->row->cells[END_OF_LIFE].state != VALUE_SET)
		row_unknown(r->row, END_OF_LIFE, "not known for this system");
}

/* --- what it runs on
 * --------------------------------------------------------------------------------- */

static const char *container_named(struct str name)
{
	static const char *const names[] = {
		"systemd-nspawn", "lxc",   "lxc-libvirt", "docker", "podman", "rkt", "wsl",
		"proot",          "pouch", "openvz",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_is(name, names[i]))
			return names[i];
	return "container-other";
}

static struct str container_variable(struct reader *r)
{
	struct str all = text_of(r, "/proc/1/environ"), variable;

	while (str_cut(&all, '\0', &variable))
		if (str_skip(&variable, "container="))
			return variable;
	return STR_ABSENT;
}

/* In the order of systemd's detect_container(); NULL: none. */
static const char *container(struct reader *r)
{
	static const char *const told[] = {"/run/host/container-manager", "/run/systemd/container"};
	struct str release = text_of(r, "/proc/sys/kernel/osrelease"), name = STR_ABSENT;

	if (exists(r, "/proc/vz") && !exists(r, "/proc/bc"))
		return "openvz";
	if (str_has(release, "Microsoft") || str_has(release, "WSL"))
		return "wsl";
	for (size_t i = 0; i < ARRAY_LEN(told) && !name.n; i++)
		name = text_of(r, told[i]);
	/* systemd copies the variable to /run/systemd/container, which others than root may read. */
	if (!name.n && !exists(r, "/run/systemd/system"))
		name = container_variable(r);
	if (name.n && !str_is(name, "oci"))
		return container_named(name);
	if (exists(r, "/run/.containerenv"))
		return "podman";
	if (exists(r, "/.dockerenv"))
		return "docker";
	return name.n ? "container-other" : NULL;
}

/* The firmware's names of the machine, as systemd's dmi_vendor table has them. */
static const char *firmware(struct reader *r)
{
	static const char *const files[] = {
		"/sys/class/dmi/id/product_name",    "/sys/class/dmi/id/sys_vendor",
		"/sys/class/dmi/id/board_vendor",    "/sys/class/dmi/id/bios_vendor",
		"/sys/class/dmi/id/product_version",
	};
	static const struct {
		const char *prefix, *name;
	} vendors[] = {
		{"KVM", "kvm"},
		{"OpenStack", "kvm"},
		{"KubeVirt", "kvm"},
		{"Amazon EC2", "amazon"},
		{"QEMU", "qemu"},
		{"VMware", "vmware"},
		{"VMW", "vmware"},
		{"innotek GmbH", "oracle"},
		{"VirtualBox", "oracle"},
		{"Oracle Corporation", "oracle"},
		{"Xen", "xen"},
		{"Bochs", "bochs"},
		{"Parallels", "parallels"},
		{"BHYVE", "bhyve"},
		{"Hyper-V", "microsoft"},
		{"Apple Virtualization", "apple"},
		{"Google Compute Engine", "google"},
	};

	for (size_t f = 0; f < ARRAY_LEN(files); f++) {
		struct str text = text_of(r, files[f]);

		for (size_t i = 0; i < ARRAY_LEN(vendors); i++)
			if (text.p && str_starts(text, vendors[i].prefix))
				return vendors[i].name;
		if (f == 0 && text.p && str_is(text, "Virtual Machine") &&
			str_starts(text_of(r, files[1]), "Microsoft"))
			return "microsoft";
	}
	return NULL;
}

/* The clock that a hypervisor offers tells KVM from an emulator, which the firmware does not. */
static const char *hypervisor_clock(struct reader *r)
{
	struct str clocks =
		text_of(r, "/sys/devices/system/clocksource/clocksource0/available_clocksource");

	return str_has(clocks, "kvm-clock") ? "kvm" : str_has(clocks, "hyperv") ? "microsoft" : NULL;
}

static bool has_hypervisor_flag(struct reader *r)
{
	struct str text = text_of(r, "/proc/cpuinfo"), line, word;

	while (str_line(&text, &line))
		if (str_starts(line, "flags"))
			while (str_word(&line, &word))
				if (str_is(word, "hypervisor"))
					return true;
	return false;
}

static const char *machine(struct reader *r)
{
	static const char *const settled[] = {"amazon", "google", "oracle", "parallels", "xen"};
	const char *vendor = firmware(r), *clock = hypervisor_clock(r);

	for (size_t i = 0; vendor && i < ARRAY_LEN(settled); i++)
		if (strcmp(vendor, settled[i]) == 0)
			return vendor;
	if (str_is(text_of(r, "/sys/hypervisor/type"), "xen"))
		return str_has(text_of(r, "/proc/xen/capabilities"), "control_d") ? "none" : "xen";
	if (clock || vendor)
		return clock ? clock : vendor;
	if (str_starts(text_of(r, "/proc/device-tree/hypervisor/compatible"), "linux,kvm"))
		return "kvm";
	return has_hypervisor_flag(r) ? "vm-other" : "none";
}

static bool read_virtualization(struct reader *r)
{
	const char *found, *found_machine;

	if (!host_is_live(r->host)) {
		set_offline(r, VIRTUALIZATION);
		set_offline(r, CONTAINER);
		return false;
	}
	r->why = NULL;
	found = container(r);
	if (!found && r->why) {
		row_unknown(r->row, VIRTUALIZATION, r->why);
		row_unknown(r->row, CONTAINER, r->why);
		return false;
	}
	row_bool(r->row, CONTAINER, found);
	found_machine = found ? found : machine(r);
	/* That it is none takes having seen all of them. */
	if (r->why && strcmp(found_machine, "none") == 0)
		row_unknown(r->row, VIRTUALIZATION, r->why);
	else
		row_strz(r->row, VIRTUALIZATION, found_machine);
	return found;
}

/* --- the kernel
 * ---------------------------------------------------------------------------------------- */

static int write_uname(struct host *host _unused_, struct buf *out, struct err *err)
{
	struct utsname name;

	if (uname(&name) < 0)
		return err_errno(err, errno, "uname");
	return buf_puts(out, name.machine);
}

/* One line of the kernel's. */
static void set_kernel_text(struct reader *r, int column, const char *path)
{
	r->why = NULL;
	set(r, column, text_of(r, path), path);
	if (r->why)
		row_unknown(r->row, column, r->why);
}

static const struct query uname_query = {.name = "uname", .live = write_uname};

static void read_kernel(struct reader *r)
{
	struct str machine_name;
	struct err err = {0};

	if (!host_is_live(r->host)) {
		set_offline(r, KERNEL);
		set_offline(r, ARCH);
		set(r, HOSTNAME, text_of(r, "/etc/hostname"), "/etc/hostname");
		return;
	}
	set_kernel_text(r, KERNEL, "/proc/sys/kernel/osrelease");
	set_kernel_text(r, HOSTNAME, "/proc/sys/kernel/hostname");
	if (host_query(r->host, &uname_query, r->arena, &machine_name, &err) < 0)
		row_unknown(r->row, ARCH, arena_strdup(r->arena, err.msg));
	else
		set(r, ARCH, str_trim(machine_name), "uname");
}

static const char *init_of_tree(struct reader *r)
{
	struct str target;
	struct err err;

	if (exists(r, "/sbin/openrc"))
		return "openrc";
	if (host_readlink(r->host, "/sbin/init", r->arena, &target, &err) == 0)
		return str_has(target, "systemd") ? "systemd" : "sysvinit";
	return exists(r, "/sbin/init") ? "sysvinit" : "none";
}

static const char *init_that_runs(struct reader *r)
{
	struct str name;

	if (exists(r, "/run/systemd/system")) /* sd_booted(3) */
		return "systemd";
	if (exists(r, "/run/openrc"))
		return "openrc";
	name = text_of(r, "/proc/1/comm");
	return str_is(name, "runit") ? "runit" : str_is(name, "init") ? "sysvinit" : "none";
}

static void read_init(struct reader *r)
{
	const char *init;

	r->why = NULL;
	init = host_is_live(r->host) ? init_that_runs(r) : init_of_tree(r);
	if (r->why)
		row_unknown(r->row, INIT, r->why);
	else
		row_strz(r->row, INIT, init);
}

/* "-cloud-amd64" of "6.1.0-18-cloud-amd64"; "" of "5.14.0-362.el9.x86_64". */
static const char *flavour(const char *release)
{
	for (; *release; release++)
		if (release[0] == '-' && ((release[1] | 0x20) >= 'a' && (release[1] | 0x20) <= 'z'))
			return release;
	return "";
}

/* Releases of the kernels that are installed: those of /boot, or, where it names no versions, the
 * directories of modules. */
static int installed_kernels(struct reader *r, const char *directory, const char *prefix,
							 struct host_dir *ret, struct err *err)
{
	struct host_dir dir = {0};
	int result = host_list(r->host, directory, r->arena, &dir, err);

	*ret = (struct host_dir){.entries = dir.entries};
	if (result == -ENOENT)
		return 0;
	for (size_t i = 0; result == 0 && i < dir.n; i++) {
		struct str name = str_of(dir.entries[i].name);

		if (str_skip(&name, prefix) && name.n && name.p[0] >= '0' && name.p[0] <= '9')
			ret->entries[ret->n++].name = name.p;
	}
	return result;
}

static bool is_newer_installed(const struct host_dir *kernels, const char *running)
{
	bool present = false, newer_same = false, newer = false;

	for (size_t i = 0; i < kernels->n; i++) {
		const char *release = kernels->entries[i].name;

		present = present || strcmp(release, running) == 0;
		if (strverscmp(release, running) <= 0)
			continue;
		newer = true;
		newer_same = newer_same || strcmp(flavour(release), flavour(running)) == 0;
	}
	/* Other flavours do not replace this one, unless this one is gone altogether. */
	return present ? newer_same : newer;
}

static void read_reboot(struct reader *r, bool in_container)
{
	const struct value *running = &r->row->cells[KERNEL];
	struct host_dir kernels;
	struct err err = {0};
	int result;

	if (!host_is_live(r->host)) {
		set_offline(r, REBOOT_REQUIRED);
		return;
	}
	r->why = NULL;
	row_bool(r->row, REBOOT_REQUIRED, exists(r, "/run/reboot-required"));
	if (r->why || (running->state == VALUE_UNKNOWN && !in_container)) {
		row_unknown(r->row, REBOOT_REQUIRED, r->why ? r->why : running->why);
		return;
	}
	row_from(r->row, REBOOT_REQUIRED, FROM("/run/reboot-required", 0));
	if (r->row->cells[REBOOT_REQUIRED].number || in_container || running->state != VALUE_SET)
		return;
	result = installed_kernels(r, "/boot", "vmlinuz-", &kernels, &err);
	if (result == 0 && !kernels.n)
		result = installed_kernels(r, "/lib/modules", "", &kernels, &err);
	row_from(r->row, REBOOT_REQUIRED, FROM("/boot", 0));
	if (result < 0)
		row_unknown(r->row, REBOOT_REQUIRED, arena_strdup(r->arena, err.msg));
	else
		row_bool(r->row, REBOOT_REQUIRED,
				 is_newer_installed(&kernels, str_dup(r->arena, running->string)));
}

static void set_supported(struct reader *r)
{
	const struct value *end = &r->row->cells[END_OF_LIFE];

	if (end->state == VALUE_SET)
		row_bool(r->row, SUPPORTED, end->number + 86400 > host_now(r->host));
	else
		row_unknown(r->row, SUPPORTED, end->why);
}

static int read_os(struct host *host, struct rows *rows, struct err *err)
{
	struct reader r = {.host = host, .arena = rows->arena};
	bool in_container;

	r.row = rows_add(rows, FROM("/etc/os-release", 0));
	if (read_os_release(&r, err) == 0)
		read_support(&r);
	else
		row_unknown(r.row, END_OF_LIFE, r.row->cells[ID].why);
	set_supported(&r);
	read_kernel(&r);
	read_init(&r);
	in_container = read_virtualization(&r);
	read_reboot(&r, in_container);
	return 0;
}

static const struct table os = {
	.name = "os",
	.doc = "The operating system: release, kernel, virtualization, and until when it is supported",
	.columns = columns,
	.read = read_os,
};
TABLE(os);
