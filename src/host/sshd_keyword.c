/* SPDX-License-Identifier: Apache-2.0 */
#include "host/sshd_config.h"

#include <stdlib.h>
#include <strings.h>

/* Sorted without regard to case. Those of servconf.c in OpenSSH 10, and of the GSSAPI and Kerberos
 * patches that Debian and Red Hat carry. */
static const struct sshd_keyword keywords[] = {
	{"AcceptEnv", SSHD_LIST, SSHD_ADDS | SSHD_IN_MATCH | SSHD_NO_DEFAULT, NULL},
	{"AddressFamily", SSHD_WORD, 0, NULL},
	{"AFSTokenPassing", SSHD_TEXT, SSHD_IGNORED, NULL},
	{"AllowAgentForwarding", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"AllowGroups", SSHD_LIST, SSHD_ADDS | SSHD_IN_MATCH | SSHD_NO_DEFAULT, NULL},
	{"AllowStreamLocalForwarding", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"AllowTcpForwarding", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"AllowUsers", SSHD_LIST, SSHD_ADDS | SSHD_IN_MATCH | SSHD_NO_DEFAULT, NULL},
	{"AuthenticationMethods", SSHD_TEXT, SSHD_IN_MATCH, NULL},
	{"AuthorizedKeysCommand", SSHD_RAW, SSHD_IN_MATCH, NULL},
	{"AuthorizedKeysCommandUser", SSHD_TEXT, SSHD_IN_MATCH, NULL},
	{"AuthorizedKeysFile", SSHD_LIST, SSHD_IN_MATCH, NULL},
	{"AuthorizedKeysFile2", SSHD_TEXT, SSHD_IGNORED | SSHD_IN_MATCH, NULL},
	{"AuthorizedPrincipalsCommand", SSHD_RAW, SSHD_IN_MATCH, NULL},
	{"AuthorizedPrincipalsCommandUser", SSHD_TEXT, SSHD_IN_MATCH, NULL},
	{"AuthorizedPrincipalsFile", SSHD_TEXT, SSHD_IN_MATCH, NULL},
	{"Banner", SSHD_TEXT, SSHD_IN_MATCH, NULL},
	{"CASignatureAlgorithms", SSHD_ALGORITHMS, SSHD_IN_MATCH, NULL},
	{"ChallengeResponseAuthentication", SSHD_WORD, SSHD_IN_MATCH, "KbdInteractiveAuthentication"},
	{"ChannelTimeout", SSHD_LIST, SSHD_IN_MATCH, NULL},
	{"CheckMail", SSHD_TEXT, SSHD_IGNORED, NULL},
	{"ChrootDirectory", SSHD_TEXT, SSHD_IN_MATCH, NULL},
	{"Ciphers", SSHD_ALGORITHMS, 0, NULL},
	{"ClientAliveCountMax", SSHD_NUMBER, SSHD_IN_MATCH, NULL},
	{"ClientAliveInterval", SSHD_TIME, SSHD_IN_MATCH, NULL},
	{"Compression", SSHD_WORD, 0, NULL},
	{"DebianBanner", SSHD_WORD, SSHD_UNSHOWN, NULL},
	{"DenyGroups", SSHD_LIST, SSHD_ADDS | SSHD_IN_MATCH | SSHD_NO_DEFAULT, NULL},
	{"DenyUsers", SSHD_LIST, SSHD_ADDS | SSHD_IN_MATCH | SSHD_NO_DEFAULT, NULL},
	{"DisableForwarding", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"DSAAuthentication", SSHD_WORD, 0, "PubkeyAuthentication"},
	{"ExposeAuthInfo", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"FingerprintHash", SSHD_UPPER, 0, NULL},
	{"ForceCommand", SSHD_RAW, SSHD_IN_MATCH, NULL},
	{"GatewayPorts", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"GSSAPIAuthentication", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"GSSAPICleanupCredentials", SSHD_WORD, 0, NULL},
	{"GSSAPICleanupCreds", SSHD_WORD, 0, "GSSAPICleanupCredentials"},
	{"GSSAPIEnablek5users", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"GSSAPIKexAlgorithms", SSHD_ALGORITHMS, 0, NULL},
	{"GSSAPIKeyExchange", SSHD_WORD, 0, NULL},
	{"GSSAPIStoreCredentialsOnRekey", SSHD_WORD, 0, NULL},
	{"GSSAPIStrictAcceptorCheck", SSHD_WORD, 0, NULL},
	{"GSSAPIUseSessionCredCache", SSHD_TEXT, SSHD_IGNORED, NULL},
	{"GSSUseSessionCCache", SSHD_TEXT, SSHD_IGNORED, NULL},
	{"HostbasedAcceptedAlgorithms", SSHD_ALGORITHMS, SSHD_IN_MATCH, NULL},
	{"HostbasedAcceptedKeyTypes", SSHD_ALGORITHMS, SSHD_IN_MATCH, "HostbasedAcceptedAlgorithms"},
	{"HostbasedAuthentication", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"HostbasedUsesNameFromPacketOnly", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"HostCertificate", SSHD_LIST, SSHD_ADDS | SSHD_NO_DEFAULT, NULL},
	{"HostDSAKey", SSHD_LIST, SSHD_ADDS, "HostKey"},
	{"HostKey", SSHD_LIST, SSHD_ADDS, NULL},
	{"HostKeyAgent", SSHD_TEXT, 0, NULL},
	{"HostKeyAlgorithms", SSHD_ALGORITHMS, 0, NULL},
	{"IgnoreRhosts", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"IgnoreUserKnownHosts", SSHD_WORD, 0, NULL},
	{"Include", SSHD_INCLUDE, SSHD_IN_MATCH, NULL},
	{"IPQoS", SSHD_QOS, SSHD_IN_MATCH | SSHD_VARIES, NULL},
	{"KbdInteractiveAuthentication", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"KeepAlive", SSHD_WORD, 0, "TCPKeepAlive"},
	{"KerberosAuthentication", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"KerberosGetAFSToken", SSHD_WORD, 0, NULL},
	{"KerberosOrLocalPasswd", SSHD_WORD, 0, NULL},
	{"KerberosTgtPassing", SSHD_TEXT, SSHD_IGNORED, NULL},
	{"KerberosTicketCleanup", SSHD_WORD, 0, NULL},
	{"KerberosUniqueCCache", SSHD_WORD, 0, NULL},
	{"KerberosUseKuserok", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"KexAlgorithms", SSHD_ALGORITHMS, 0, NULL},
	{"KeyRegenerationInterval", SSHD_TEXT, SSHD_IGNORED, NULL},
	{"ListenAddress", SSHD_LIST, SSHD_ADDS, NULL},
	{"LoginGraceTime", SSHD_TIME, 0, NULL},
	{"LogLevel", SSHD_UPPER, SSHD_IN_MATCH, NULL},
	{"LogVerbose", SSHD_LIST, SSHD_IN_MATCH, NULL},
	{"MACs", SSHD_ALGORITHMS, 0, NULL},
	{"Match", SSHD_MATCH, SSHD_IN_MATCH, NULL},
	{"MaxAuthTries", SSHD_NUMBER, SSHD_IN_MATCH, NULL},
	{"MaxSessions", SSHD_NUMBER, SSHD_IN_MATCH, NULL},
	{"MaxStartups", SSHD_STARTUPS, SSHD_VARIES, NULL},
	{"ModuliFile", SSHD_TEXT, 0, NULL},
	{"PAMAuthenticationViaKbdInt", SSHD_TEXT, SSHD_IGNORED, NULL},
	{"PAMServiceName", SSHD_TEXT, SSHD_IN_MATCH, NULL},
	{"PasswordAuthentication", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"PermitBlacklistedKeys", SSHD_TEXT, SSHD_IGNORED, NULL},
	{"PermitEmptyPasswords", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"PermitListen", SSHD_LIST, SSHD_IN_MATCH, NULL},
	{"PermitOpen", SSHD_LIST, SSHD_IN_MATCH, NULL},
	{"PermitRootLogin", SSHD_WORD, SSHD_IN_MATCH | SSHD_OF_ROOT, NULL},
	{"PermitTTY", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"PermitTunnel", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"PermitUserEnvironment", SSHD_TEXT, 0, NULL},
	{"PermitUserRC", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"PerSourceMaxStartups", SSHD_WORD, SSHD_VARIES, NULL},
	{"PerSourceNetBlockSize", SSHD_TEXT, SSHD_VARIES, NULL},
	{"PerSourcePenalties", SSHD_TEXT, 0, NULL},
	{"PerSourcePenaltyExemptList", SSHD_LIST, 0, NULL},
	{"PidFile", SSHD_TEXT, 0, NULL},
	{"Port", SSHD_LIST, SSHD_ADDS, NULL},
	{"PrintLastLog", SSHD_WORD, 0, NULL},
	{"PrintMotd", SSHD_WORD, 0, NULL},
	{"Protocol", SSHD_TEXT, SSHD_IGNORED, NULL},
	{"PubkeyAcceptedAlgorithms", SSHD_ALGORITHMS, SSHD_IN_MATCH, NULL},
	{"PubkeyAcceptedKeyTypes", SSHD_ALGORITHMS, SSHD_IN_MATCH, "PubkeyAcceptedAlgorithms"},
	{"PubkeyAuthentication", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"PubkeyAuthOptions", SSHD_LIST, SSHD_IN_MATCH, NULL},
	{"RDomain", SSHD_TEXT, SSHD_IN_MATCH, NULL},
	{"RefuseConnection", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"RekeyLimit", SSHD_REKEY, SSHD_IN_MATCH | SSHD_VARIES, NULL},
	{"RequiredRSASize", SSHD_NUMBER, SSHD_IN_MATCH, NULL},
	{"ReverseMappingCheck", SSHD_TEXT, SSHD_IGNORED, NULL},
	{"RevokedKeys", SSHD_TEXT, SSHD_IN_MATCH, NULL},
	{"RhostsAuthentication", SSHD_TEXT, SSHD_IGNORED, NULL},
	{"RhostsRSAAuthentication", SSHD_TEXT, SSHD_IGNORED, NULL},
	{"RSAAuthentication", SSHD_TEXT, SSHD_IGNORED, NULL},
	{"RSAMinSize", SSHD_NUMBER, SSHD_IN_MATCH, "RequiredRSASize"},
	{"SecurityKeyProvider", SSHD_TEXT, 0, NULL},
	{"ServerKeyBits", SSHD_TEXT, SSHD_IGNORED, NULL},
	{"SetEnv", SSHD_LIST, SSHD_IN_MATCH | SSHD_NO_DEFAULT, NULL},
	{"ShowPatchLevel", SSHD_WORD, 0, NULL},
	{"SkeyAuthentication", SSHD_WORD, SSHD_IN_MATCH, "KbdInteractiveAuthentication"},
	{"SshdAuthPath", SSHD_TEXT, 0, NULL},
	{"SshdSessionPath", SSHD_TEXT, 0, NULL},
	{"StreamLocalBindMask", SSHD_TEXT, SSHD_IN_MATCH | SSHD_VARIES, NULL},
	{"StreamLocalBindUnlink", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"StrictModes", SSHD_WORD, 0, NULL},
	{"Subsystem", SSHD_TEXT, SSHD_ADDS | SSHD_EACH | SSHD_IN_MATCH | SSHD_NO_DEFAULT, NULL},
	{"SyslogFacility", SSHD_UPPER, 0, NULL},
	{"TCPKeepAlive", SSHD_WORD, 0, NULL},
	{"TrustedUserCAKeys", SSHD_TEXT, SSHD_IN_MATCH, NULL},
	{"UnusedConnectionTimeout", SSHD_TIME, SSHD_IN_MATCH | SSHD_VARIES, NULL},
	{"UseDNS", SSHD_WORD, 0, NULL},
	{"UseLogin", SSHD_TEXT, SSHD_IGNORED, NULL},
	{"UsePAM", SSHD_WORD, 0, NULL},
	{"UsePrivilegeSeparation", SSHD_TEXT, SSHD_IGNORED, NULL},
	{"VerifyReverseMapping", SSHD_TEXT, SSHD_IGNORED, NULL},
	{"VersionAddendum", SSHD_RAW, 0, NULL},
	{"X11DisplayOffset", SSHD_NUMBER, SSHD_IN_MATCH, NULL},
	{"X11Forwarding", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"X11MaxDisplays", SSHD_NUMBER, SSHD_IN_MATCH, NULL},
	{"X11UseLocalhost", SSHD_WORD, SSHD_IN_MATCH, NULL},
	{"XAuthLocation", SSHD_TEXT, 0, NULL},
};

static int compare_name(const void *key, const void *keyword)
{
	struct str name = *(const struct str *)key;
	const char *known = ((const struct sshd_keyword *)keyword)->name;
	int c = strncasecmp(name.p, known, name.n);

	return c ? c : known[name.n] ? -1 : 0;
}

const struct sshd_keyword *sshd_keyword(struct str name)
{
	const struct sshd_keyword *found = NULL;

	if (name.n && !memchr(name.p, '\0', name.n))
		found = bsearch(&name, keywords, ARRAY_LEN(keywords), sizeof(*keywords), compare_name);
	return found && found->means ? sshd_keyword(str_of(found->means)) : found;
}

size_t sshd_keyword_index(const struct sshd_keyword *keyword)
{
	return (size_t)(keyword - keywords);
}

size_t sshd_keywords(const struct sshd_keyword **ret_first)
{
	*ret_first = keywords;
	return ARRAY_LEN(keywords);
}
