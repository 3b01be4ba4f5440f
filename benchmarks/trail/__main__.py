"""What a large event log costs: the pages of the admin, then ``vwo_prune``.

Fills a database with the events of 120 days, and requests each page as a superuser does. The time
in the database is that of executing the statements; SQLite finds most rows only while they are
fetched, which the total time includes.
"""

from benchmarks.bench import Site, database, parser


def main() -> None:
    options = parser(str(__doc__))
    options.add_argument("--events", type=int, default=1_000_000)
    args = options.parse_args()
    with database(args.database) as url:
        site = Site(url)
        site.create_tables()
        site.manage("measure_trail", str(args.events))


if __name__ == "__main__":
    main()
