"""Routers of Quart, and what an application answers at their routes."""

from typing import Any

from quart import Quart, request

from specter import Outcome, Router, expect_json, route


def rules(app: Quart) -> dict[str, str]:
    """Rule to endpoint, in the order in which they were added."""
    return {rule.rule: rule.endpoint for rule in app.url_map.iter_rules() if rule.endpoint != "static"}


async def get(app: Quart, path: str, **options: Any) -> tuple[int, Any]:
    """Status and body; parsed if it is JSON."""
    response = await app.test_client().open(path, **options)
    return response.status_code, await response.get_json() or await response.get_data(as_text=True)


class Base(Router):
    name = "media"

    @route("/one")
    def one(self) -> str:
        return f"one of {self.name}"

    @route("/two")
    async def two(self) -> dict[str, str]:
        return {"two": self.name}


class Derived(Base):
    url_prefix = "api/v1/"

    @route("/two-b", methods=["post"], endpoint="bee")
    async def two(self) -> dict[str, Any]:
        return await expect_json(required=["a"])

    @route("/three/<int:number>")
    @route("/drei/<int:number>", methods=("GET", "PUT"))
    async def three(self, number: int) -> Outcome:
        return Outcome.success(number, status=201, method=request.method)

    @staticmethod
    @route("/static-method")
    def fixed() -> str:
        return "fixed"

    @classmethod
    @route("/class-method")
    def of_class(cls) -> str:
        return cls.__name__
