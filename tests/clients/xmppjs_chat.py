#!/usr/bin/python3
"""Two @xmpp/client clients (npm) over STARTTLS and direct TLS; installs the package into a folder of the build."""

import os
import shutil
import subprocess

import helper

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "xmppjs")


def install(folder):
    """@xmpp/client in `folder`, once; skips where there is no npm or no registry."""
    for program in ("node", "npm"):
        if not shutil.which(program):
            helper.skip(f"{program} is missing (apt-get install nodejs npm)")
    os.makedirs(folder, exist_ok=True)
    for name in ("package.json", "chat.mjs"):
        shutil.copy(os.path.join(SOURCE, name), folder)
    if os.path.isdir(os.path.join(folder, "node_modules", "@xmpp", "client")):
        return
    try:
        done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"],
                              cwd=folder, capture_output=True, text=True, timeout=180, check=False)
    except subprocess.TimeoutExpired:
        helper.skip("npm did not install @xmpp/client within 180 s")
    if done.returncode != 0:
        helper.skip(f"npm could not install @xmpp/client:\n{done.stderr[-1500:]}")


def main():
    parser = helper.parser(__doc__)
    parser.add_argument("--work-dir", default=os.environ.get("RONDEL_XMPPJS_DIR", "/tmp/rondel-xmppjs"),
                        help="where npm installs; a folder of the build")
    options = parser.parse_args()
    install(options.work_dir)

    def test():
        with helper.served(options) as server:
            environment = dict(os.environ, NODE_EXTRA_CA_CERTS=server.trust,
                               NODE_OPTIONS="--dns-result-order=ipv4first")
            for mode, scheme in (("starttls", "xmpp"), ("direct", "xmpps")):
                done = subprocess.run(["node", "chat.mjs", f"{scheme}://localhost:{server.ports[mode]}",
                                       helper.PASSWORDS[helper.ROMEO], helper.PASSWORDS[helper.JULIET]],
                                      cwd=options.work_dir, env=environment, capture_output=True, text=True,
                                      timeout=120 * helper.PATIENCE, check=False)
                print(done.stdout + done.stderr, end="", flush=True)
                assert done.returncode == 0, f"{mode}: the clients ended with {done.returncode}\n{server.log_text()}"

    helper.finish(test)


if __name__ == "__main__":
    main()
