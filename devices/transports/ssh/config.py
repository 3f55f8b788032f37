"""Reader of an OpenSSH configuration; a keyword that edgenas does not support and that changes the result is an error.

Supported: the keywords of ``Settings``, in the lines that ``config_lines`` finds for a host; the first value of each
counts, as in ssh_config(5). Ignored: keywords that ssh itself ignores (old ones, and those that IgnoreUnknown names),
and keywords that concern only OpenSSH itself, a terminal, forwarding (edgenas forwards nothing), or checks less strict
than those of edgenas. Every other keyword is an error that names the line, if it applies to the host.
"""

from __future__ import annotations

import os
import re
import socket
from dataclasses import dataclass, field
from pathlib import Path

from edgenas.base.errors import DeviceInputError
from edgenas.devices.transports.ssh.config_lines import REMEDY, Asked, applying, expand, expand_path, matches

#: keywords of lists of algorithms -> the attribute of paramiko's SecurityOptions
ALGORITHMS = {"hostkeyalgorithms": "key_types", "ciphers": "ciphers", "macs": "digests", "kexalgorithms": "kex"}
_READ_WORDS = (
    "hostname user port identityfile identitiesonly identityagent proxyjump proxycommand hostkeyalias addressfamily "
    "bindaddress ignoreunknown tag canonicalizehostname proxyusefdpass"
)
_READ = frozenset(_READ_WORDS.split()) | ALGORITHMS.keys()
_ALIASES = {"identityfile2": "identityfile"}
_NOT_NEEDED = (
    "addkeystoagent batchmode canonicaldomains canonicalizefallbacklocal canonicalizemaxdots "
    "canonicalizepermittedcnames casignaturealgorithms challengeresponseauthentication channeltimeout checkhostip "
    "clearallforwardings compression connectionattempts connecttimeout controlmaster controlpath controlpersist "
    "dsaauthentication dynamicforward enableescapecommandline enablesshkeysign escapechar exitonforwardfailure "
    "fingerprinthash forkafterauthentication forwardagent forwardx11 forwardx11timeout forwardx11trusted gatewayports "
    "globalknownhostsfile gssapiauthentication gssapiclientidentity gssapidelegatecredentials gssapikexalgorithms "
    "gssapikeyexchange gssapirenewalforcesrekey gssapiserveridentity gssapitrustdns hashknownhosts "
    "hostbasedacceptedalgorithms hostbasedauthentication hostbasedkeytypes ipqos kbdinteractiveauthentication "
    "kbdinteractivedevices knownhostscommand localcommand localforward loglevel logverbose "
    "nohostauthenticationforlocalhost numberofpasswordprompts obscurekeystroketiming passwordauthentication "
    "permitlocalcommand permitremoteopen preferredauthentications pubkeyacceptedalgorithms pubkeyacceptedkeytypes "
    "pubkeyauthentication rekeylimit remotecommand remoteforward requesttty requiredrsasize revokedhostkeys sendenv "
    "serveralivecountmax serveraliveinterval sessiontype setenv skeyauthentication stdinnull streamlocalbindmask "
    "streamlocalbindunlink stricthostkeychecking syslogfacility tcpkeepalive tisauthentication tunnel tunneldevice "
    "updatehostkeys usekeychain userknownhostsfile verifyhostkeydns versionaddendum visualhostkey warnweakcrypto "
    "xauthlocation"
)
_OLD = (  # which ssh calls deprecated or unsupported, and ignores
    "afstokenpassing cipher compressionlevel fallbacktorsh globalknownhostsfile2 kerberosauthentication "
    "kerberostgtpassing keepalive protocol rhostsauthentication rhostsrsaauthentication rsaauthentication "
    "smartcarddevice useprivilegedport userknownhostsfile2 useroaming usersh"
)
_PASSED_OVER = frozenset(f"{_NOT_NEEDED} {_OLD}".split())
#: keywords without which a login may fail -> named in the error of a login that failed
_NOTED = ("certificatefile", "pkcs11provider", "securitykeyprovider")
_FAMILIES = {"": socket.AF_UNSPEC, "any": socket.AF_UNSPEC, "inet": socket.AF_INET, "inet6": socket.AF_INET6}


@dataclass(slots=True)
class Settings:
    """Settings of one host in a configuration; None where a keyword is missing.

    proxy_jump       [] for 'none'
    proxy_command    command for a shell whose stdin and stdout are the connection
    identity_agent   socket of the agent: None for that of the environment, '' for no agent
    family           AF_INET, AF_INET6 or AF_UNSPEC
    algorithms       attribute of paramiko's SecurityOptions -> list in the form of ssh_config(5)
    notes            lines that a login may need and edgenas does not use
    """

    host_name: str
    user: str | None = None
    port: int | None = None
    identity_files: list[Path] = field(default_factory=list)
    identities_only: bool = False
    identity_agent: str | None = None
    proxy_jump: list[str] | None = None
    proxy_command: str | None = None
    host_key_alias: str | None = None
    family: int = socket.AF_UNSPEC
    bind_address: str | None = None
    algorithms: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read_config(
    path: Path, host: str, home: Path | None = None, *, user: str | None = None, port: int | None = None
) -> Settings:
    """Return the settings for ``host`` in the file ``path``, empty where the file does not exist. ``user`` and ``port``
    replace those in the file. Raises DeviceInputError.
    """
    asked = Asked(host, home or Path.home(), user, port)
    notes: list[str] = []
    if path.exists():
        for keyword, value, where in applying(path, asked):
            _take(asked, _ALIASES.get(keyword, keyword), value, where, notes)
    settings = _settings(asked)
    settings.notes = notes
    return settings


def _take(asked: Asked, keyword: str, value: str, where: str, notes: list[str]) -> None:
    values = asked.values
    if keyword in _READ:
        rivals = {"proxyjump", "proxycommand"} if keyword in ("proxyjump", "proxycommand") else {keyword}
        if keyword == "identityfile" or values.keys().isdisjoint(rivals):
            values.setdefault(keyword, []).append((value, where))
    elif keyword in _NOTED:
        notes.append(f"{where}: {keyword} is not supported")
    elif keyword not in _PASSED_OVER and not matches(keyword, asked.first("ignoreunknown")[0].lower().split(",")):
        raise _unsupported(keyword, where)


def _unsupported(keyword: str, where: str) -> DeviceInputError:
    return DeviceInputError(f"{where}: {keyword} is not supported; {REMEDY}")


def _check_name(asked: Asked) -> None:
    """Raise DeviceInputError where ssh would look for the name in other domains: not for an address, nor for a name
    with two dots or more."""
    wanted, where = asked.first("canonicalizehostname")
    name = asked.host_name()
    if wanted.lower() not in ("", "no", "none") and ":" not in name and name.count(".") < 2:
        raise _unsupported("canonicalizehostname", where)


def _settings(asked: Asked) -> Settings:
    settings = Settings(asked.host_name())
    settings.user = asked.user or asked.first("user")[0] or None
    port, where = asked.first("port")
    if port and not re.fullmatch(r"\d{1,5}", port):
        raise DeviceInputError(f"{where}: {port[:80]!r} is not a port")
    settings.port = asked.port or (int(port) if port else None)
    settings.identities_only = asked.first("identitiesonly")[0].lower() == "yes"
    settings.host_key_alias = asked.first("hostkeyalias")[0] or None
    settings.bind_address = asked.first("bindaddress")[0] or None
    family, where = asked.first("addressfamily")
    if family.lower() not in _FAMILIES:
        raise DeviceInputError(f"{where}: {family[:80]!r} is not an address family; write any, inet or inet6")
    settings.family = _FAMILIES[family.lower()]
    settings.algorithms = {name: asked.first(key)[0] for key, name in ALGORITHMS.items() if key in asked.values}
    jump, where = asked.first("proxyjump")
    if jump:
        settings.proxy_jump = [] if jump.lower() == "none" else [expand(j, {}, where) for j in jump.split(",")]
    command, where = asked.first("proxycommand")
    if command and command.lower() != "none":
        passes, line = asked.first("proxyusefdpass")
        if passes.lower() == "yes":
            raise _unsupported("proxyusefdpass", line)
        settings.proxy_command = expand(command, asked.tokens(), where)
    elif not settings.proxy_jump:
        _check_name(asked)
    settings.identity_agent = _agent(asked)
    for file, where in asked.values.get("identityfile", []):
        if file.lower() != "none":
            path = expand(file, asked.tokens(), where, variables=True)
            settings.identity_files.append(expand_path(path, asked.home))
    return settings


def _agent(asked: Asked) -> str | None:
    """Return the socket of the agent that IdentityAgent names: None for that of the environment, '' for no agent."""
    text, where = asked.first("identityagent")
    if text in ("", "SSH_AUTH_SOCK"):
        return None
    if text.lower() == "none":
        return ""
    if re.fullmatch(r"\$\w+", text):
        return os.environ.get(text[1:], "")
    return str(expand_path(expand(text, asked.tokens(), where, variables=True), asked.home))
