#!/usr/bin/python3
"""A story of tests/clients once more, with everything in PostgreSQL: on_postgresql.py STORY [its arguments]. STORY may name
one of another folder of tests: FOLDER/STORY. The story finds the database as `server.postgres`."""

import importlib
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "clients"))

import helper  # noqa: E402
from runner import server as runner_server  # noqa: E402
from throwaway_postgres import Postgres  # noqa: E402


def main():
    folder, name = os.path.split(sys.argv.pop(1))
    sys.path.insert(0, os.path.join(HERE, "..", folder or "clients"))
    story = importlib.import_module(name)
    with Postgres() as postgres:
        make_server = helper.make_server

        def make_on_postgresql(options, **more):
            if options.server != "rondel":
                helper.skip("storages are of rondeld only")
            postgres.ask("DROP SCHEMA IF EXISTS rondel CASCADE")
            modules = more.get("modules") or runner_server.MODULES
            more["modules"] = ["store-postgresql" if module == "store-sqlite" else module for module in modules]
            server = make_server(options, **more)
            server.postgres = postgres
            write_config = server.write_config

            def write_with_options():   # a story may change what else stands in it
                write_config()
                with open(server.config_path, "a", encoding="utf-8") as file:
                    file.write(postgres.options())

            server.write_config = write_with_options
            return server

        helper.make_server = make_on_postgresql
        story.main()


if __name__ == "__main__":
    main()
