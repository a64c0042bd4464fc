"""`python -m testkit.vendors`: the emulators for people and for docker compose."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading

import click
import orjson

from testkit.vendors.credentials import environment
from testkit.vendors.example import overrides
from testkit.vendors.front import Front
from testkit.vendors.server import Listener


@click.command(help="Run the vendor emulators. They open nothing: their credentials are constants.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8081, show_default=True, help="Port to listen on; 0 takes any free one.")
@click.option("--seed", default=0, show_default=True, help="Where the chance of faults begins.")
@click.option("--keep", default=5000, show_default=True, help="Requests remembered per vendor.")
@click.option("--env", "as_env", is_flag=True, help="Print addresses and credentials as environment lines, and end.")
@click.option("--prefix", default="", help="With --env: what the names begin with, such as STREAMLY_.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON when ready.")
@click.option("--parent", is_flag=True, hidden=True, help="End when standard input ends.")
def main(
    *, host: str, port: int, seed: int, keep: int, as_env: bool, prefix: str, as_json: bool, parent: bool
) -> None:
    """Serve until a signal arrives."""
    if as_env:
        _print_environment(f"http://{host}:{port}", prefix)
        return
    try:
        asyncio.run(_serve(host, port, Front(seed=seed, keep=keep), as_json=as_json, parent=parent))
    except OSError as error:
        click.echo(f"The emulators cannot listen on {host}:{port}: {error}. Choose another with --port.", err=True)
        sys.exit(1)


async def _serve(host: str, port: int, front: Front, *, as_json: bool, parent: bool) -> None:
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end.set)
    listener = Listener(front)
    port = await listener.open(host, port)
    if parent:
        _follow_parent(loop, end)
    _print_ready(host, port, front, as_json=as_json)
    await end.wait()
    await listener.close()


def _follow_parent(loop: asyncio.AbstractEventLoop, end: asyncio.Event) -> None:
    """Who started us holds our input open; its end is ours, however it ended."""

    def follow() -> None:
        sys.stdin.read()
        loop.call_soon_threadsafe(end.set)

    threading.Thread(target=follow, daemon=True).start()


def _print_ready(host: str, port: int, front: Front, *, as_json: bool) -> None:
    url = f"http://{host}:{port}"
    if as_json:
        click.echo(orjson.dumps({"port": port, "url": url}))
        return
    click.echo(f"Vendor emulators on {url} (control: {url}/_control/, health: {url}/health)\n")
    for name in sorted(front.vendors):
        click.echo(f"  {name:<28}{url}/{name}")
    click.echo("\nCredentials (also: --env):\n")
    for name, value in environment().items():
        click.echo(f"  {name:<28}{value if len(value) < 60 else '(long; see --env)'}")


def _print_environment(url: str, prefix: str) -> None:
    """Lines that a shell reads, and docker compose too; the key among them spans several.

    The prefix is that of an app's own variables; the addresses are settings of the processor, which stand over those
    of every app.
    """
    for name, value in environment().items():
        click.echo(f'{prefix}{name}="{value.strip()}"')
    for name, values in sorted(overrides(url).items()):
        click.echo(f"PROMPT_ACTIONS_OVERRIDES__{name.upper()}='{orjson.dumps(values).decode()}'")


if __name__ == "__main__":
    main()
