"""``penstock serve``: the gateway on the command line."""

from __future__ import annotations

import os
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from penstock.cli._embeddings import RouterEmbeddings
from penstock.cli._help import listing
from penstock.collection.open_router import load_router

if TYPE_CHECKING:
    from socket import socket

    from penstock.gateway.driver import LiveRouter

DEFAULT_LOG = "penstock-decisions.sqlite"


def register(app: typer.Typer) -> None:
    """Mount the verb."""
    app.command("serve", **listing())(serve)


def serve(
    router: Annotated[
        Path | None,
        typer.Argument(help="A bundle made by penstock fit; without one, the pool file's own policy."),
    ] = None,
    pool: Annotated[Path, typer.Option(help="The pool file with the router's candidates.")] = Path(
        "penstock.yaml"
    ),
    host: Annotated[
        str, typer.Option(help="Where to listen; beyond this machine only with a key.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 takes a free one.", min=0, max=65535)] = 8080,
    log: Annotated[
        str,
        typer.Option(
            help="The decision log: a SQLite file, a database's address, or STORE://... of {stores}.",
            envvar="PENSTOCK_LOG",
        ),
    ] = DEFAULT_LOG,
    log_text: Annotated[
        bool, typer.Option("--log-text", help="Keep the texts of queries in the log, not only their hashes.")
    ] = False,
    target: Annotated[
        str | None,
        typer.Option(help="What 'auto' means, like budget=0.002; else what the bundle was fitted for."),
    ] = None,
    prices: Annotated[Path | None, typer.Option(help="A price map in LiteLLM's JSON format.")] = None,
    embeddings: RouterEmbeddings = None,
) -> None:
    """Serve an OpenAI-compatible endpoint that answers each prompt with the cheapest candidate good enough.

    Callers need a key where the environment variable PENSTOCK_API_KEY is set.

    Example: [bold]penstock serve router.penstock --pool penstock.yaml --target budget=0.002[/bold]
    """
    import uvicorn

    from penstock.config.pool_file import load_pool
    from penstock.config.stated_policy import static_router
    from penstock.errors import InputError
    from penstock.gateway.app import check_candidates, create_app
    from penstock.gateway.listening import listen
    from penstock.gateway.settings import KEY_VARIABLE, Settings, check_binding
    from penstock.providers.make import make_provider
    from penstock.router.targets import Target
    from penstock.storage.opening import open_log
    from penstock.types import Query

    key = os.environ.get(KEY_VARIABLE) or None
    check_binding(host, key)
    candidates = load_pool(pool, prices=prices)
    loaded: LiveRouter | None
    if router is None:
        if embeddings is not None:
            raise InputError("embeddings are read by fitted routers, and none is named", field="--embeddings")
        loaded = static_router(pool, candidates)
    else:
        # without the cache: callers' prompts leave nothing behind but what the log is told to keep
        loaded = load_router(router, embeddings, cached=False)
    if loaded is None:
        hint = "Name a bundle made by penstock fit, or write policy: {refusal: [SMALL, LARGE]} in the pool"
        raise InputError("states no policy, and no router is named", file=pool, hint=hint)
    chosen = None if target is None else Target.parse(target)
    loaded.policy_for(chosen)
    if loaded.blocking:  # a missing library or a refused key is told now, not to the first caller
        loaded.believe([Query.from_prompt("start", "Hello")]).begin()
    check_candidates(loaded, {candidate.name: None for candidate in candidates})
    with closing(listen(host, port)) as listening, suppress(KeyboardInterrupt):  # Ctrl-C is how it ends
        app = create_app(
            loaded,
            {candidate.name: make_provider(candidate) for candidate in candidates},
            open_log(log),
            Settings(api_key=key, target=chosen, log_text=log_text),
            pool=candidates,
        )
        served = str(chosen or loaded.target or f"the policy of {pool}")
        _welcome(listening, served, with_key=key is not None, log=log)
        config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=10)
        uvicorn.Server(config).run(sockets=[listening])


def _welcome(listening: socket, target: str, *, with_key: bool, log: str) -> None:
    from penstock.cli._console import out

    host, port = listening.getsockname()[:2]
    shown = "127.0.0.1" if host == "0.0.0.0" else f"[{host}]" if ":" in host else host  # noqa: S104
    url = f"http://{shown}:{port}/v1"
    authorization = ' \\\n    -H "Authorization: Bearer $PENSTOCK_API_KEY"' if with_key else ""
    key = 'os.environ["PENSTOCK_API_KEY"]' if with_key else '"none"'
    out.print(f"penstock serves [bold]{url}[/bold] for {target}; decisions go to {log}", soft_wrap=True)
    out.print("Ctrl-C stops it. Try:\n")
    out.print(
        f"""  curl -i {url}/chat/completions -H "Content-Type: application/json"{authorization} \\
    -d '{{"model": "auto", "messages": [{{"role": "user", "content": "What is 17 + 25?"}}]}}'
""",
        markup=False,
        soft_wrap=True,
    )
    out.print(
        f"""  from openai import OpenAI
  client = OpenAI(base_url="{url}", api_key={key})
  client.chat.completions.create(model="auto", messages=[{{"role": "user", "content": "What is 17 + 25?"}}])

Then: penstock explain ID, with the ID of the response header x-penstock-decision-id
""",
        markup=False,
        soft_wrap=True,
    )
