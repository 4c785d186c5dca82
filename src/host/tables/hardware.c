/* SPDX-License-Identifier: Apache-2.0 */
/* The machine below the operating system, as far as the kernel shows it: one row. */
#include "base/vec.h"
#include "host/table.h"

enum { TPM, IOMMU, CPU_VENDOR, MICROCODE, NX, LONG_MODE, AMT, BMC, THUNDERBOLT };

static const struct column columns[] = {
	[TPM] = {"tpm", TYPE_STRING, "Version of the TPM, 1 or 2; absent: none", 0},
	[IOMMU] = {"iommu", TYPE_BOOL, "The kernel has an IOMMU at work", 0},
	[CPU_VENDOR] = {"cpu_vendor", TYPE_STRING, "As the processor says: GenuineIntel, AuthenticAMD",
					COLUMN_LABEL},
	[MICROCODE] = {"microcode", TYPE_STRING, "Revision of its microcode: 0xf4", 0},
	[NX] = {"nx", TYPE_BOOL, "Memory can be kept from being executed; absent: no x86 processor", 0},
	[LONG_MODE] = {"long_mode", TYPE_BOOL, "The processor is one of 64 bits; absent: no x86", 0},
	[AMT] = {"amt", TYPE_BOOL, "Intel's Active Management Technology answers the kernel", 0},
	[BMC] = {"bmc", TYPE_BOOL, "There is a management controller (IPMI)", 0},
	[THUNDERBOLT] = {"thunderbolt", TYPE_LIST,
					 "Security levels of the Thunderbolt controllers: user, secure, none, iommu...",
					 0},
	{0},
};

struct reader {
	struct host *host;
	struct arena *arena;
	struct row *row;
};

static void set_error(struct reader *r, int column, const char *path, const struct err *err)
{
	row_unknown(r->row, column, arena_strdup(r->arena, err->msg));
	row_from(r->row, column, FROM(path, 0));
}

/* The first value of the name: all processors have the same. Absent when there is none. */
static struct str cpuinfo(struct str text, const char *name)
{
	struct str line, key;

	while (str_line(&text, &line))
		if (str_has_char(line, ':') && str_cut(&line, ':', &key) && str_is(str_trim(key), name))
			return str_trim(line);
	return STR_ABSENT;
}

static bool has_flag(struct str flags, const char *flag)
{
	struct str word;

	while (str_word(&flags, &word))
		if (str_is(word, flag))
			return true;
	return false;
}

static void read_cpu(struct reader *r)
{
	static const char path[] = "/proc/cpuinfo";
	struct str text, flags;
	struct err err = {0};

	if (host_read(r->host, path, r->arena, &text, &err) < 0) {
		for (int column = CPU_VENDOR; column <= LONG_MODE; column++)
			set_error(r, column, path, &err);
		return;
	}
	row_str(r->row, CPU_VENDOR, cpuinfo(text, "vendor_id"));
	row_str(r->row, MICROCODE, cpuinfo(text, "microcode"));
	flags = cpuinfo(text, "flags");
	if (!flags.p)
		return;
	row_bool(r->row, NX, has_flag(flags, "nx"));
	row_bool(r->row, LONG_MODE, has_flag(flags, "lm"));
}

/* Is there an entry in the directory that the pattern fits? One that is not there has none. */
static void read_presence(struct reader *r, int column, const char *path, const char *pattern)
{
	struct host_dir dir;
	struct err err = {0};
	bool found = false;
	int e = host_list(r->host, path, r->arena, &dir, &err);

	if (e < 0 && e != -ENOENT && e != -ENOTDIR) {
		set_error(r, column, path, &err);
		return;
	}
	for (size_t i = 0; e == 0 && i < dir.n; i++)
		found = found || str_glob(pattern, str_of(dir.entries[i].name));
	row_bool(r->row, column, found);
	row_from(r->row, column, FROM(path, 0));
}

static void read_tpm(struct reader *r)
{
	static const char path[] = "/sys/class/tpm/tpm0/tpm_version_major";
	struct err err = {0};
	struct str version;
	int e = host_read(r->host, path, r->arena, &version, &err);

	if (e == 0)
		row_str(r->row, TPM, str_trim(version));
	else if (e != -ENOENT)
		set_error(r, TPM, path, &err);
}

static void read_thunderbolt(struct reader *r)
{
	static const char top[] = "/sys/bus/thunderbolt/devices";
	VEC(struct str) levels = {0};
	struct host_dir dir;
	struct err err = {0};
	int e = host_list(r->host, top, r->arena, &dir, &err);

	if (e < 0 && e != -ENOENT && e != -ENOTDIR) {
		set_error(r, THUNDERBOLT, top, &err);
		return;
	}
	for (size_t i = 0; e == 0 && i < dir.n; i++) {
		struct str level;

		if (!str_glob("domain*", str_of(dir.entries[i].name)))
			continue;
		if (host_read(r->host, arena_printf(r->arena, "%s/%s/security", top, dir.entries[i].name),
					  r->arena, &level, &err) < 0) {
			set_error(r, THUNDERBOLT, top, &err);
			return;
		}
		*vec_push(r->arena, &levels) = str_trim(level);
	}
	row_list(r->row, THUNDERBOLT, levels.p, levels.n);
}

static int read_hardware(struct host *host, struct rows *rows, struct err *err _unused_)
{
	struct reader r = {host, rows->arena, rows_add(rows, FROM("/sys", 0))};

	if (!host_is_live(host)) {
		for (int column = TPM; column <= THUNDERBOLT; column++)
			row_unknown(r.row, column, "offline");
		return 0;
	}
	read_cpu(&r);
	read_tpm(&r);
	read_thunderbolt(&r);
	read_presence(&r, IOMMU, "/sys/class/iommu", "*");
	read_presence(&r, BMC, "/sys/class/ipmi", "*");
	/* The client of the management engine that speaks for AMT (AMTHI in Linux's mei). */
	read_presence(&r, AMT, "/sys/bus/mei/devices", "*12f80028-b4b7-4b2d-aca8-46e0ff65814c*");
	return 0;
}

static const struct table hardware = {
	.name = "hardware",
	.doc =
		"Processor, TPM, IOMMU, management controllers and Thunderbolt, as the kernel shows them",
	.columns = columns,
	.read = read_hardware,
};
TABLE(hardware);
