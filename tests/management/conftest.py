import io

from django.core.management import call_command


def run_command(name, *arguments):
    """What the command prints."""
    out = io.StringIO()
    call_command(name, *arguments, stdout=out)
    return out.getvalue()
