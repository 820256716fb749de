"""The kinds of names and scenes, with their titles."""

from enum import StrEnum

from tianji_core.i18n import N_


class Relation(StrEnum):
    """Relation of the receiver of a blessing to the sender."""

    ELDER = "elder"
    PEER = "peer"
    JUNIOR = "junior"
    TEACHER = "teacher"
    SUPERIOR = "superior"
    COLLEAGUE = "colleague"
    FRIEND = "friend"


class Pronoun(StrEnum):
    """Pronoun by which the receiver is addressed."""

    FORMAL = "您"
    INFORMAL = "你"


class SceneKind(StrEnum):
    """Kind of occasion of a scene."""

    FESTIVAL = "festival"
    LIFE_EVENT = "life_event"
    CAREER = "career"
    HEALTH = "health"
    SOCIAL = "social"


RELATION_TITLES = {
    Relation.ELDER: N_("长辈"),
    Relation.PEER: N_("平辈"),
    Relation.JUNIOR: N_("晚辈"),
    Relation.TEACHER: N_("师长"),
    Relation.SUPERIOR: N_("上级"),
    Relation.COLLEAGUE: N_("同事"),
    Relation.FRIEND: N_("朋友与其他"),
}
SCENE_KIND_TITLES = {
    SceneKind.FESTIVAL: N_("节日"),
    SceneKind.LIFE_EVENT: N_("人生大事"),
    SceneKind.CAREER: N_("事业"),
    SceneKind.HEALTH: N_("健康"),
    SceneKind.SOCIAL: N_("人情往来"),
}
