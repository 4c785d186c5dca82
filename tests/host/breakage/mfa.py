# SPDX-License-Identifier: Apache-2.0
"""How the rules of mfa come to fail. The modules themselves are not installed: what the stacks say
counts."""

RULES = {
    "mfa.factor-optional": {
        "bad": ["sed -i '1i auth required pam_google_authenticator.so nullok' /etc/pam.d/sshd",
                "sed -i '1i auth sufficient pam_u2f.so cue nouserok' /etc/pam.d/sudo",
                "sed -i '1i auth optional pam_oath.so usersfile=/etc/users.oath' /etc/pam.d/sshd"],
    },
    "mfa.second-factor": {
        "good": "sed -i '1i auth required pam_u2f.so cue' /etc/pam.d/sudo",
        "bad": ["sed -i /pam_u2f/d /etc/pam.d/sudo"],
        "alone": True,
    },
    "mfa.secrets-private": {
        "bad": ["install -m 644 -o ops /dev/null /home/ops/.google_authenticator",
                "install -m 640 /dev/null /etc/users.oath", "install -m 664 /dev/null /etc/u2f_mappings"],
        "fine": ["install -m 400 -o ops /dev/null /home/ops/.google_authenticator"],
    },
}
