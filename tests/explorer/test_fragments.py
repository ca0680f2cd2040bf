"""Which fragments rerun after a change of the code."""

from streamlit.testing.v1 import AppTest


def page() -> None:
    import streamlit as st

    from explorer import fragments
    from explorer.fragments import Fragment

    def part(name: str) -> None:
        counts = st.session_state.setdefault("counts", {})
        counts[name] = counts.get(name, 0) + 1

    explore = (Fragment.CODE, Fragment.MAP, Fragment.MOVES, Fragment.TRAVERSALS)
    for key in explore if st.session_state.get("on_explore", True) else ():
        st.fragment(part, key=key)(str(key))
    st.button("moved", on_click=fragments.after_code_change)
    st.button("dragged", on_click=fragments.during_map_drag)
    part("page")


def click(app: AppTest, label: str) -> dict[str, int]:
    """Runs of each part after a click."""
    app.session_state["counts"] = {}
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception
    return app.session_state["counts"]


def test_all_parts_of_explore_follow_a_move_and_one_follows_a_drag() -> None:
    parts = {"current-code": 1, "map": 1, "code-buttons": 1, "traversals": 1}
    assert click(AppTest.from_function(page, default_timeout=60).run(), "moved") == parts
    app = AppTest.from_function(page, default_timeout=60).run()
    assert click(app, "dragged") == {"current-code": 1}


def test_a_message_after_its_page_was_left_is_no_error() -> None:
    app = AppTest.from_function(page, default_timeout=60)
    app.session_state["on_explore"] = False
    assert click(app.run(), "moved") == {"page": 1}
