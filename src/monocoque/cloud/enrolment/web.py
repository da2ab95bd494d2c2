"""The HTTP route by which a car enrols."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from monocoque.cloud.enrolment.service import Enrolment
from monocoque.contracts.documents import DOCUMENT_BYTES_MAX
from monocoque.contracts.rights import ENROL_CAR
from monocoque.plumbing.http.rules import needs


class EnrolmentRequest(BaseModel):
    """What a car sends."""

    document: str = Field(
        max_length=DOCUMENT_BYTES_MAX, description="a signed car enrolment, a compact JWS"
    )


class CarPlace(BaseModel):
    """What a car gets."""

    car_id: str
    credentials: str = Field(description="its place on the bus, a NATS user JWT")


def routes(enrolment: Enrolment) -> APIRouter:
    """The route, on this enrolment."""
    router = APIRouter(tags=["enrolment"])

    @router.post("/api/cars/enrolments")
    @needs(ENROL_CAR)
    async def enrol_car(request: EnrolmentRequest) -> CarPlace:
        """Give a car that our factory vouches for its place on the bus."""
        place = await enrolment.enrol(request.document.encode())
        return CarPlace(car_id=place.car_id, credentials=place.credentials)

    return router
