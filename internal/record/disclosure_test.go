package record

import (
	"context"
	"strings"
	"testing"
)

// What an answer rests on is noted whatever the interaction, so that an answer that was kept is decided about again.
func TestDisclosure(t *testing.T) {
	for name, do := range map[string]func(ctx context.Context, r *rig, p, m string) error{
		"read": func(ctx context.Context, r *rig, p, _ string) error {
			_, err := r.service.Read(ctx, staff(), "Patient", p)
			return err
		},
		"vread": func(ctx context.Context, r *rig, p, _ string) error {
			_, err := r.service.VRead(ctx, staff(), "Patient", p, 1)
			return err
		},
		"history": func(ctx context.Context, r *rig, p, _ string) error {
			_, err := r.service.History(ctx, staff(), HistoryQuery{Type: "Patient", ID: p})
			return err
		},
		"search": func(ctx context.Context, r *rig, _, m string) error {
			_, err := r.service.Search(ctx, staff(), "Patient", map[string][]string{"identifier": {m}}, true)
			return err
		},
		"a conditional create that finds it": func(ctx context.Context, r *rig, _, m string) error {
			_, err := r.service.Create(ctx, staff(), "Patient", body("Patient", ""), WriteOptions{IfNoneExist: "identifier=" + m})
			return err
		},
		"an update, which keeps labels": func(ctx context.Context, r *rig, p, m string) error {
			_, err := r.service.Update(ctx, staff(), "Patient", p, body("Patient", p, mark(m)), WriteOptions{})
			return err
		},
		"a patch": func(ctx context.Context, r *rig, p, _ string) error {
			_, err := r.service.Patch(ctx, staff(), "Patient", p, Patch{Body: []byte(activePatch)}, WriteOptions{})
			return err
		},
		"everything": func(ctx context.Context, r *rig, p, _ string) error {
			_, err := r.service.Everything(ctx, staff(), EverythingQuery{Type: "Patient", ID: p})
			return err
		},
		"everything of an encounter of the patient": func(ctx context.Context, r *rig, _, m string) error {
			_, err := r.service.Everything(ctx, staff(), EverythingQuery{Type: "Encounter", ID: m})
			return err
		},
		"$meta": func(ctx context.Context, r *rig, _, m string) error {
			got, err := r.service.Labels(ctx, staff(), "Patient")
			if err == nil && !strings.Contains(string(got), m) {
				t.Error("the label is not there")
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := shared(t)
			p, m := unique("p"), unique("m")
			r.must(body("Patient", p, mark(m), tagged(m)))
			r.must(body("Encounter", m, `"status":"finished"`, `"class":{"code":"AMB"}`, `"subject":{"reference":"Patient/`+p+`"}`))
			var d Disclosure
			if err := do(WithDisclosure(t.Context(), &d), r, p, m); err != nil {
				t.Fatal(err)
			}
			if still, err := r.service.StillMay(t.Context(), staff(), &d); !still || err != nil {
				t.Errorf("before: %v, %v", still, err)
			}
			if still, err := r.service.StillMay(t.Context(), patientApp(unique("other")), &d); still || err != nil {
				t.Errorf("another caller: %v, %v", still, err)
			}
			r.must(body("Patient", p, mark(m), labelled("R")))
			if still, err := r.service.StillMay(t.Context(), staff(), &d); still || err != nil {
				t.Errorf("now that it is restricted: %v, %v", still, err)
			}
		})
	}
}
