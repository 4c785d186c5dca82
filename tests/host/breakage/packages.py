# SPDX-License-Identifier: Apache-2.0
"""How the rules of packages come to fail: dpkg's database says so. Nothing can be fetched here."""

from staged import package


def entry(*names):
    return {"bad": [package(name) for name in names] + [package(names[0], "install ok half-configured")],
            "fine": [package(names[0], "deinstall ok config-files")]}


# rpm's and pacman's databases are read by the same table; see the cases of tables/packages.
LEFT = "the packages are lines in dpkg's status only: see test_packages"

RULES = {
    "packages.compilers": entry("gcc", "g++-12", "gcc-12-x86-64-linux-gnu", "clang-14", "tcc", "golang-go"),
    "packages.demos": entry("tomcat10-examples", "mariadb-test", "php8.2-xdebug"),
    "packages.desktop": entry("xserver-xorg-core", "gdm3", "xwayland"),
    "packages.ftp-server": entry("vsftpd", "proftpd-core", "inetutils-ftpd"),
    "packages.inetd": entry("xinetd", "openbsd-inetd", "inetutils-inetd"),
    "packages.ldap-client": entry("ldap-utils", "openldap-clients"),
    "packages.legacy-protocols": entry("talk", "tnftp", "rwhod"),
    "packages.nis": entry("nis", "ypserv", "ypbind-mt"),
    "packages.personal": entry("transmission-daemon", "steam-installer", "vlc") | {"alone": True},
    "packages.prelink": entry("prelink"),
    "packages.reporters": entry("popularity-contest", "apport"),
    "packages.rsh": entry("rsh-server", "rsh-client", "rsh-redone-server"),
    "packages.telnet-client": entry("telnet", "inetutils-telnet"),
    "packages.telnet-server": entry("telnetd", "inetutils-telnetd"),
    "packages.tftp-server": entry("tftpd-hpa", "atftpd"),
    "packages.leftovers": {"alone": True, "bad": [
        package("apache2", "deinstall ok config-files"), package("oldd", "purge ok config-files"),
    ], "fine": [package("apache2")]},
}
