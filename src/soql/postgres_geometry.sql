-- The geometry functions of functions.def in PostgreSQL with PostGIS; after postgres_functions.sql. Longitude is x, latitude y, SRID 4326.

CREATE OR REPLACE FUNCTION seltzer.make_point(latitude numeric, longitude numeric) RETURNS geometry LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT ST_SetSRID(ST_MakePoint(longitude::double precision, latitude::double precision), 4326)
$$;

CREATE OR REPLACE FUNCTION seltzer.location_point(x text) RETURNS geometry LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT seltzer.make_point((x::json->>'latitude')::numeric, (x::json->>'longitude')::numeric)
$$;

CREATE OR REPLACE FUNCTION seltzer.to_geometry(x text, kind text) RETURNS geometry LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    g geometry := ST_Force2D(ST_GeomFromText(x, 4326));
BEGIN
    IF GeometryType(g) <> kind THEN
        PERFORM seltzer.refuse_text(lower(kind), x);
    END IF;
    RETURN g;
END $$;

CREATE OR REPLACE FUNCTION seltzer.geometry_text(x geometry) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT regexp_replace(replace(regexp_replace(ST_AsText(x, 17), '^([A-Z]+)\(', '\1 ('), ',', ', '), '(?<![0-9.e+-])(-?[0-9]+)(?![0-9.e])', '\1.0', 'g')
$$;

-- The whole geometry is within the circle when all its points are.
CREATE OR REPLACE FUNCTION seltzer.within_circle(x geometry, latitude numeric, longitude numeric, radius numeric) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE WHEN abs(latitude) > 90 THEN seltzer.refuse('22023', 'a latitude is between -90 and 90')::text::boolean
        ELSE coalesce((SELECT bool_and(ST_Distance(p.geom::geography, seltzer.make_point(latitude, longitude)::geography) <= radius::double precision)
        FROM ST_DumpPoints(x) AS p), false) END
$$;

-- Compared as doubles: PostGIS' own operators compare boxes of single precision.
CREATE OR REPLACE FUNCTION seltzer.within_box(x geometry, north numeric, west numeric, south numeric, east numeric) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT coalesce(ST_XMin(x) >= least(west, east)::double precision AND ST_XMax(x) <= greatest(west, east)::double precision
        AND ST_YMin(x) >= least(south, north)::double precision AND ST_YMax(x) <= greatest(south, north)::double precision, false)
$$;

-- Between the points that are nearest in degrees.
CREATE OR REPLACE FUNCTION seltzer.distance(a geometry, b geometry) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE WHEN ST_Intersects(a, b) THEN 0 ELSE
        (SELECT ST_Distance(ST_StartPoint(l)::geography, ST_EndPoint(l)::geography)::numeric FROM (SELECT ST_ShortestLine(a, b) AS l) AS s) END
$$;

CREATE OR REPLACE FUNCTION seltzer.polygons_only(x geometry) RETURNS geometry LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT ST_Multi(ST_CollectionExtract(x, 3))
$$;
CREATE OR REPLACE FUNCTION seltzer.lines_only(x geometry) RETURNS geometry LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT ST_Multi(ST_CollectionExtract(x, 2))
$$;
CREATE OR REPLACE FUNCTION seltzer.as_polygons(x geometry) RETURNS geometry LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT ST_Multi(ST_Buffer(x, 0))
$$;

-- In the kind of `original`: an operation may give a single geometry for a multi one; null where a single kind is left empty.
CREATE OR REPLACE FUNCTION seltzer.same_kind(made geometry, original geometry) RETURNS geometry LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN GeometryType(original) LIKE 'MULTI%' THEN
        ST_Multi(ST_CollectionExtract(coalesce(made, ST_GeomFromText('GEOMETRYCOLLECTION EMPTY', 4326)), ST_Dimension(original) + 1))
        WHEN NOT ST_IsEmpty(made) THEN made END
$$;

CREATE OR REPLACE FUNCTION seltzer.simplify(x geometry, tolerance numeric) RETURNS geometry LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE WHEN tolerance < 0 THEN seltzer.refuse('22023', 'a tolerance is zero or more degrees')::text::geometry
        ELSE seltzer.same_kind(ST_Simplify(x, tolerance::double precision), x) END
$$;
CREATE OR REPLACE FUNCTION seltzer.simplify_topology(x geometry, tolerance numeric) RETURNS geometry LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE WHEN tolerance < 0 THEN seltzer.refuse('22023', 'a tolerance is zero or more degrees')::text::geometry
        ELSE seltzer.same_kind(ST_SimplifyPreserveTopology(x, tolerance::double precision), x) END
$$;
CREATE OR REPLACE FUNCTION seltzer.reduce_precision(x geometry, size numeric) RETURNS geometry LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT seltzer.same_kind(ST_ReducePrecision(x, size::double precision), x)
$$;
CREATE OR REPLACE FUNCTION seltzer.make_valid(x geometry) RETURNS geometry LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT seltzer.same_kind(ST_MakeValid(x), x)
$$;

CREATE OR REPLACE FUNCTION seltzer.snap(x geometry, size double precision) RETURNS geometry LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE WHEN NOT ST_IsEmpty(g) THEN g END FROM (SELECT ST_SnapToGrid(x, size) AS g) AS s
$$;

CREATE OR REPLACE FUNCTION seltzer.box_polygon(b box2d) RETURNS geometry LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT ST_Multi(ST_MakeEnvelope(ST_XMin(b), ST_YMin(b), ST_XMax(b), ST_YMax(b), 4326))
$$;
