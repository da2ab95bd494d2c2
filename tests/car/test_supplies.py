"""Suppliers that are asked for values, on virtual time: who waits for them, and for how long."""

import asyncio
import contextlib

from monocoque.car.signals.logic.wishes import Question
from monocoque.car.signals.service.supplies import AGAIN_FACTOR, ANSWER_S_MAX
from tests.car.test_signal_hub import GEAR, NOW_US, SPEED, on_bench

PATIENT_S = 3 * ANSWER_S_MAX
HURRIED_S = ANSWER_S_MAX / 8


class Supplier:
    """A supplier that notes what it is asked, and answers after so long."""

    def __init__(self, bench, supply, answers_after_s=None):
        self.asked = []
        """Each question's number, and when it came."""
        self._bench, self._supply, self._answers_after_s = bench, supply, answers_after_s

    async def live(self):
        while True:
            news = await self._supply.next()
            if not isinstance(news, Question):
                continue
            self.asked.append((news.question_id, now_s()))
            if self._answers_after_s is not None:
                await asyncio.sleep(self._answers_after_s)
                numbers = news.numbers
                said = [news.question_id] * len(numbers)
                self._bench.hub.take("all", numbers, said, [NOW_US] * len(numbers))
                self._supply.answer(news.question_id, numbers)


def now_s():
    return asyncio.get_running_loop().time()


@contextlib.asynccontextmanager
async def supplied(bench, number=SPEED, **options):
    """A supplier of this signal, which lives beside the block."""
    async with bench.all.supply() as supply, asyncio.TaskGroup() as group:
        supply.cover({number: 100})
        supplier = Supplier(bench, supply, **options)
        living = group.create_task(supplier.live())
        yield supplier
        living.cancel()


async def waited_s(bench, wait_s=PATIENT_S, numbers=(SPEED,)):
    """How long a reader of this patience waited."""
    begun_s = now_s()
    await bench.all.read_anew(numbers, wait_s)
    return now_s() - begun_s


@on_bench
async def test_who_never_answers_costs_one_reader_one_wait_now_and_then(bench):
    async with supplied(bench) as supplier:
        begun_s = now_s()
        assert await waited_s(bench) == ANSWER_S_MAX
        for _ in range(20):
            assert await waited_s(bench) == 0
        again_s = begun_s + AGAIN_FACTOR * ANSWER_S_MAX
        await asyncio.sleep(again_s - now_s() - 0.001)
        assert await waited_s(bench) == 0
        assert supplier.asked == [(1, begun_s)]
        await asyncio.sleep(again_s - now_s())
        assert await waited_s(bench) == ANSWER_S_MAX
        assert await waited_s(bench) == 0
        assert supplier.asked == [(1, begun_s), (2, again_s)]


@on_bench
async def test_a_reader_in_a_hurry_takes_no_time_from_who_waits_for_the_same_answer(bench):
    async with supplied(bench, answers_after_s=2 * HURRIED_S) as supplier:
        assert await waited_s(bench, HURRIED_S) == HURRIED_S
        assert await waited_s(bench) == HURRIED_S
        assert (await bench.all.read([SPEED]))[0].value == 1
        assert [number for number, _ in supplier.asked] == [1]


@on_bench
async def test_a_reader_in_a_hurry_does_not_make_a_silent_supplier_asked_sooner(bench):
    async with supplied(bench) as supplier:
        begun_s = now_s()
        while now_s() < begun_s + AGAIN_FACTOR * ANSWER_S_MAX:
            assert await waited_s(bench, HURRIED_S) in (0, HURRIED_S)
            assert supplier.asked == [(1, begun_s)]
            await asyncio.sleep(HURRIED_S)


@on_bench
async def test_who_comes_late_waits_for_what_is_left_of_a_question_and_no_longer(bench):
    async with supplied(bench):
        await waited_s(bench, HURRIED_S)
        assert await waited_s(bench) == ANSWER_S_MAX - HURRIED_S


@on_bench
async def test_of_two_suppliers_the_silent_one_does_not_keep_back_the_other(bench):
    async with supplied(bench), supplied(bench, GEAR, answers_after_s=HURRIED_S):
        assert await waited_s(bench, numbers=(SPEED, GEAR)) == ANSWER_S_MAX
        assert (await bench.all.read([GEAR]))[0].value == 1
        assert await waited_s(bench, numbers=(SPEED, GEAR)) == HURRIED_S
        assert (await bench.all.read([GEAR]))[0].value == 2
