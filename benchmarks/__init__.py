"""What the app costs, each time beside a baseline that is measured in the same run.

- The tables of docs/performance.md, which ``make bench`` prints: ``deliveries``, ``client``,
  ``refreshing``, ``outage``, ``fleet`` (staleness), ``ends``, ``start``, ``memory``, ``comparing``,
  ``trail``, ``rest``. ``__main__`` runs them, ``page`` writes them into the docs, and ``machine``
  says what they were measured on. Each also runs by itself, some with more options:
  ``python -m benchmarks.fleet --help``.
- Long runs that show whether a promise of docs/reliability.md holds: ``identical``,
  ``impressions``, ``kill_switch``, ``soak``, ``storm``.
- Where a delivery's time goes: ``profile``.
- What they share: ``bench`` (options, tables, processes), ``load`` (requests), ``processes`` (what
  a process uses), ``vwo_server`` (a VWO that costs little), and ``sites``: the site with the app
  and the floor, the naive site with a plain client, and the site with other packages' views.
"""
