import pytest
from pathlib import Path
from admin_place import *
import time
PAGES = ("people", "people/eva", "access", "documents", "dataset", "dataset/board", "training", "training/board/v2", "guards", "database", "audit", "health")

def test_look(tmp_path_factory, taught, postgres, browser):
    project = project_with(tmp_path_factory.mktemp("admin") / "project", taught)
    with opened(project, postgres) as place, serving(place.app) as url:
        furnish(place)
        from axe_playwright_python.sync_playwright import Axe
        out = Path("/tmp/w/admin-scratch/shots"); out.mkdir(exist_ok=True)
        ctx = browser.new_context(base_url=url, viewport={"width": 1440, "height": 900})
        page = ctx.new_page()
        errors=[]
        page.on("console", lambda m: errors.append(m.text) if m.type in("error","warning") else None)
        page.on("pageerror", lambda e: errors.append(str(e)))
        page.goto("/login"); page.get_by_label("Name").fill("dana"); page.get_by_label("Password").fill(PASSWORD); page.get_by_role("button", name="Sign in").click(); page.wait_for_url("**/")
        axe = Axe()
        for width in (1440, 320):
            page.set_viewport_size({"width": width, "height": 900})
            for name in PAGES:
                t=time.time(); page.goto(f"/admin/{name}"); t1=time.time()
                page.screenshot(path=out / f"{name.replace('/','-')}-{width}.png", full_page=False)
                t2=time.time(); r = axe.run(page); t3=time.time()
                wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
                print(width, name, f"{t1-t:.2f} {t3-t2:.2f}", "WIDE" if wide else "", [ (v['id'], [n['html'][:110] for n in v['nodes']][:3]) for v in r.response['violations']])
        print(errors)
    assert 0
